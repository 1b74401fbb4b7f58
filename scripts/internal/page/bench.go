package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"optimizing-dockerfile/scripts/internal/bench"
)

// BenchRecord is where the last figures of `make bench` are kept.
const BenchRecord = "docs/bench.json"

func readBench(root string) (*bench.Table, error) {
	path := filepath.Join(root, filepath.FromSlash(BenchRecord))
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var table bench.Table
	if err := json.Unmarshal(text, &table); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &table, nil
}

func benchPart(from source) (string, error) {
	if from.bench == nil {
		return "Not measured yet: make bench.\n", nil
	}
	return BenchTable(*from.bench), nil
}

// BenchTable shows the figures of a bench: medians, and the ratio of the best round.
func BenchTable(t bench.Table) string {
	text := "| Builder | All six steps | By hand | By this tool | Ratio | Best round | The commands alone |\n|---|---|---|---|---|---|---|\n"
	for _, row := range t.Rows {
		text += fmt.Sprintf("| %s | %s | %.1f s | %.1f s | %.2f | %.2f | %s |\n", row.Builder, row.What,
			bench.Median(row.Hand), bench.Median(row.Tool), row.Ratio(), row.Best(), bareCell(row))
	}
	rounds := 0
	if len(t.Rows) > 0 {
		rounds = len(t.Rows[0].Hand)
	}
	text += fmt.Sprintf("\nMedians of %d round(s), on %d processors, with %s %s and %s.\n", rounds, t.CPUs, t.Engine.Name, t.Engine.Version, t.Base)
	text += fmt.Sprintf("The tool's own processor time in a cold run: %.2f s, %.1f %% of what the processors could give.\n",
		bench.Median(t.OwnCPU), 100*bench.Median(t.OwnPart))
	text += "\n| The doctor's image | The doctor | Typed instead | It takes | Ratio |\n|---|---|---|---|---|\n"
	for _, row := range t.Doctor {
		text += fmt.Sprintf("| %s | %.2f s | `%s` | %.2f s | %.2f |\n", row.Image,
			bench.Median(row.Doctor), row.Other, bench.Median(row.Typed), bench.Median(row.Doctor)/bench.Median(row.Typed))
	}
	return text
}

// bareCell shows the floor of a row, and its share of the time by hand.
func bareCell(row bench.Row) string {
	if len(row.Bare) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f s (%.2f)", bench.Median(row.Bare), row.Floor())
}
