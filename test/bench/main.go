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

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/lesson/tell/page"
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
	text, err := page.BenchTable(kept)
	if err != nil {
		return err
	}
	fmt.Print(text)
	if !keep {
		return nil
	}
	if err := os.WriteFile(filepath.FromSlash(page.BenchRecord), record.Marshal(kept), 0o644); err != nil {
		return err
	}
	_, err = page.Update(".")
	return err
}

// measure takes the rounds with every builder that the engine has.
func measure(ctx context.Context, program string, steps []table.Step, rounds int) (page.Bench, error) {
	var kept page.Bench
	e, err := engine.Find(ctx)
	if err != nil {
		return kept, err
	}
	catalog, err := base.Load("bases")
	if err != nil {
		return kept, err
	}
	ready, err := base.Ensure(ctx, e, catalog[0], tell.Plain{Writer: os.Stderr})
	if err != nil {
		return kept, err
	}
	kept.Engine, kept.CPUs, kept.Base = e, e.LogicalCPUs, ready.Said()
	builders := []string{e.Builder}
	if e.Builder == engine.BuildKit {
		builders = []string{engine.BuildKit, engine.Legacy}
	}
	for _, builder := range builders {
		if err := measureWith(ctx, builder, program, steps, ready.Image, rounds, &kept); err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// measureWith takes the rounds with one builder.
func measureWith(ctx context.Context, builder, program string, steps []table.Step, image string, rounds int, kept *page.Bench) error {
	if builder == engine.Legacy { // the last that is measured
		os.Setenv("DOCKER_BUILDKIT", "0")
	}
	e, err := engine.Find(ctx)
	if err != nil {
		return err
	}
	defer e.RemoveOwn(context.WithoutCancel(ctx))
	cold, warm := page.BenchRow{Builder: builder, What: page.Cold}, page.BenchRow{Builder: builder, What: page.Warm}
	for round := range rounds {
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
		for _, row := range []*page.BenchRow{&cold, &warm} {
			byHand, err := hand.ByHand(ctx, e, image)
			if err != nil {
				return err
			}
			byTool, cpu, err := runTool(ctx, program, tool.Dir)
			if err != nil {
				return err
			}
			row.Hand, row.Tool = append(row.Hand, byHand), append(row.Tool, byTool)
			said := fmt.Sprintf("%s, %s, round %d: by hand %.1f s, by this tool %.1f s (%.2f)",
				builder, row.What, round+1, byHand, byTool, byTool/byHand)
			if row == &warm {
				bare, err := hand.Bare(ctx, e, image)
				if err != nil {
					return err
				}
				row.Bare = append(row.Bare, bare)
				said += fmt.Sprintf(", the commands alone, side by side, %.1f s (%.2f)", bare, bare/byHand)
			} else {
				kept.OwnCPU = append(kept.OwnCPU, cpu)
				kept.OwnPart = append(kept.OwnPart, cpu/byTool/float64(max(1, e.LogicalCPUs)))
			}
			fmt.Fprintln(os.Stderr, said)
		}
		if err := timeDoctor(ctx, program, e, steps, kept); err != nil {
			return err
		}
	}
	kept.Rows = append(kept.Rows, cold, warm)
	return nil
}
