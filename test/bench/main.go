// Command bench measures, side by side, the six steps as this tool does them and as
// they are typed by hand: the article's two commands a step, one after the other.
// Run it from the repo's root: make bench.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

func main() {
	rounds := flag.Int("rounds", 3, "how often everything is measured")
	keep := flag.Bool("record", false, "keep the figures for docs/performance.md")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, max(1, *rounds), *keep); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, rounds int, keep bool) error {
	steps, err := table.Load("steps")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", engine.Repository+"-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "steps.exe") // a name that every system runs
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./scripts").CombinedOutput(); err != nil {
		return fmt.Errorf("the tool does not compile: %s", out)
	}
	kept, err := measure(ctx, program, steps, rounds)
	if err != nil {
		return err
	}
	if keep {
		return kept.Keep("docs")
	}
	_, err = os.Stdout.Write(record.Marshal(kept))
	return err
}

// measure takes the rounds with every builder that the engine has.
func measure(ctx context.Context, program string, steps []table.Step, rounds int) (kept Record, err error) {
	e, err := engine.Find(ctx)
	if err != nil {
		return kept, err
	}
	catalog, err := base.Load("bases")
	if err != nil {
		return kept, err
	}
	ready, err := base.Ensure(ctx, e, catalog[0], tell.NewTerminal(os.Stderr))
	if err != nil {
		return kept, err
	}
	kept = Record{Engine: e, CPUs: e.LogicalCPUs, Base: ready.Said()}
	rows := func() error {
		e, err := engine.Find(ctx)
		if err != nil {
			return err
		}
		defer e.RemoveOwn(context.WithoutCancel(ctx))
		cold, warm := Row{Builder: e.Builder, What: "cold"}, Row{Builder: e.Builder, What: "warm"}
		for range rounds {
			if err := round(ctx, e, program, ready.Image, &cold, &warm); err != nil {
				return err
			}
			if err := timeDoctor(ctx, program, e, steps, &kept); err != nil {
				return err
			}
		}
		kept.Rows = append(kept.Rows, cold, warm)
		return nil
	}
	if err = rows(); err == nil && e.Builder == engine.BuildKit {
		os.Setenv("DOCKER_BUILDKIT", "0")
		err = rows()
	}
	return kept, err
}

// round measures all ways once: cold (the program has changed: each compile is real), then warm (nothing has changed since).
func round(ctx context.Context, e *engine.Engine, program, image string, cold, warm *Row) error {
	dir, err := os.MkdirTemp("", engine.Repository+"-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hand, err := Fresh("steps", filepath.Join(dir, "hand"), false)
	if err != nil {
		return err
	}
	tool, err := Fresh("steps", filepath.Join(dir, "tool"), true)
	if err != nil {
		return err
	}
	byHand := func() error { return hand.Typed(ctx, e, image, 1, true) }
	bare := func() error { return hand.Typed(ctx, e, image, max(1, e.LogicalCPUs), false) }
	byTool := func() error { return run(ctx, program, "run", "all", "--steps", tool.Dir) }
	for _, m := range []struct {
		row     *Row
		figures *[]float64
		what    string
		do      func() error
	}{
		{cold, &cold.Hand, "by hand", byHand}, {cold, &cold.Tool, "by this tool", byTool},
		{warm, &warm.Hand, "by hand", byHand}, {warm, &warm.Tool, "by this tool", byTool},
		{warm, &warm.Bare, "the commands alone, side by side", bare},
	} {
		if err := timed(m.figures, m.do); err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
		took := (*m.figures)[len(*m.figures)-1]
		fmt.Fprintf(os.Stderr, "%s, %s, round %d, %s: %.1f s\n", m.row.Builder, m.row.What, len(*m.figures), m.what, took)
	}
	return nil
}

// timed adds the seconds that something takes.
func timed(figures *[]float64, do func() error) error {
	began := time.Now()
	err := do()
	*figures = append(*figures, time.Since(began).Seconds())
	return err
}
