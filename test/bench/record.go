package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
)

// Record is what was measured, as docs/bench.json keeps it.
type Record struct {
	Engine *engine.Engine `json:"engine"`
	CPUs   int            `json:"cpus"`
	Base   string         `json:"base"` // in words
	Rows   []Row          `json:"rows"`
	Doctor []DoctorRow    `json:"doctor"`
}

// Row is one thing that was measured in both ways, a figure a round, in seconds.
type Row struct {
	Builder string    `json:"builder"`
	What    string    `json:"what"` // cold or warm
	Hand    []float64 `json:"hand"`
	Tool    []float64 `json:"tool"`
	Bare    []float64 `json:"bare,omitempty"` // the engine's commands alone, side by side; of a warm row
}

// DoctorRow holds the doctor's diagnoses of an image, in seconds, against another
// way to its files, a figure a round.
type DoctorRow struct {
	Image  string    `json:"image"`
	Doctor []float64 `json:"doctor"`
	Other  string    `json:"other"` // what is typed instead
	Typed  []float64 `json:"typed"`
}

// Best is the lowest ratio of a round.
func (r Row) Best() float64 {
	best := r.Tool[0] / r.Hand[0]
	for i := range r.Tool {
		best = min(best, r.Tool[i]/r.Hand[i])
	}
	return best
}

// median is the middle one of some figures; of an even number, the lower middle.
func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[(len(sorted)-1)/2]
}

// ratio is the share of some figures in others, of the medians.
func ratio(of, to []float64) string { return fmt.Sprintf("%.2f", median(of)/median(to)) }

//go:embed table.md
var tableText string

var tables = template.Must(template.New("").Funcs(template.FuncMap{
	"seconds": func(digits int, figures []float64) string { return fmt.Sprintf("%.*f s", digits, median(figures)) },
	"ratio":   ratio,
}).Parse(tableText))

var marked = regexp.MustCompile(`(?s)(<!-- measured -->\n).*?(<!-- end -->)`)

// Page is docs/performance.md with the figures of docs/bench.json in it.
func Page(docs string) (string, error) {
	r, err := record.ReadDocument[Record](filepath.Join(docs, "bench.json"))
	page, failed := os.ReadFile(filepath.Join(docs, "performance.md"))
	var table strings.Builder
	if err = errors.Join(err, failed); err == nil {
		err = tables.Execute(&table, r)
	}
	return marked.ReplaceAllString(string(page), "${1}"+table.String()+"${2}"), err
}

// Keep writes the figures and the page.
func (r Record) Keep(docs string) error {
	if err := os.WriteFile(filepath.Join(docs, "bench.json"), record.Marshal(r), 0o644); err != nil {
		return err
	}
	page, err := Page(docs)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(docs, "performance.md"), []byte(page), docs)
}
