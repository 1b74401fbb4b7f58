package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/scripts/internal/base"
	"optimizing-dockerfile/scripts/internal/bench"
	"optimizing-dockerfile/scripts/internal/doctor"
	"optimizing-dockerfile/scripts/internal/engine"
	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/page"
	"optimizing-dockerfile/scripts/internal/record"
)

func benchCommand() *cobra.Command {
	var rounds int
	var keep bool
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "measure the six steps by this tool against typing them by hand",
		GroupID: "maintain",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if rounds < 1 {
				return usagef("--rounds takes a number from 1")
			}
			_, steps, err := loadSteps("")
			if err != nil {
				return err
			}
			table, err := measure(cmd.Context(), steps, rounds, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), page.BenchTable(table))
			if !keep {
				return nil
			}
			if err := os.WriteFile(filepath.FromSlash(page.BenchRecord), record.Marshal(table), 0o644); err != nil {
				return err
			}
			_, err = page.Update(".")
			return err
		},
	}
	cmd.Flags().IntVar(&rounds, "rounds", 3, "how often everything is measured")
	cmd.Flags().BoolVar(&keep, "record", false, "keep the figures for docs/performance.md")
	return cmd
}

// measure takes the rounds with every builder that the engine has.
func measure(ctx context.Context, steps []lesson.Step, rounds int, stderr io.Writer) (bench.Table, error) {
	var table bench.Table
	e, err := connect(ctx)
	if err != nil {
		return table, err
	}
	behind, err := findBase("")
	if err != nil {
		return table, err
	}
	ready, err := base.Ensure(ctx, e, behind, sentencesTo(stderr))
	if err != nil {
		return table, err
	}
	table.Engine, table.CPUs, table.Base = e, e.LogicalCPUs, described(ready).Said()
	builders := []string{e.Builder}
	if e.Builder == engine.BuildKit {
		builders = []string{engine.BuildKit, engine.Legacy}
	}
	for _, builder := range builders {
		if err := measureWith(ctx, builder, steps, ready.Image, rounds, &table, stderr); err != nil {
			return table, err
		}
	}
	return table, nil
}

// measureWith takes the rounds with one builder.
func measureWith(ctx context.Context, builder string, steps []lesson.Step, image string, rounds int, table *bench.Table, stderr io.Writer) error {
	if builder == engine.Legacy {
		was, set := os.LookupEnv("DOCKER_BUILDKIT")
		os.Setenv("DOCKER_BUILDKIT", "0")
		if set {
			defer os.Setenv("DOCKER_BUILDKIT", was)
		} else {
			defer os.Unsetenv("DOCKER_BUILDKIT")
		}
	}
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	defer func() { warn(stderr, e.RemoveOwn(context.WithoutCancel(ctx))) }()
	cold, warm := bench.Row{Builder: builder, What: bench.Cold}, bench.Row{Builder: builder, What: bench.Warm}
	for round := range rounds {
		dir, err := os.MkdirTemp("", engine.Repository+"-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		hand, err := bench.Fresh(steps, filepath.Join(dir, "hand"), false)
		if err != nil {
			return err
		}
		tool, err := bench.Fresh(steps, filepath.Join(dir, "tool"), true)
		if err != nil {
			return err
		}
		for _, row := range []*bench.Row{&cold, &warm} {
			byHand, err := hand.ByHand(ctx, e, image)
			if err != nil {
				return err
			}
			byTool, cpu, err := runTool(ctx, tool.Dir)
			if err != nil {
				return err
			}
			row.Hand, row.Tool = append(row.Hand, byHand), append(row.Tool, byTool)
			fmt.Fprintf(stderr, "%s, %s, round %d: by hand %.1f s, by this tool %.1f s (%.2f)\n", builder, row.What, round+1, byHand, byTool, byTool/byHand)
			if row == &warm {
				bare, err := hand.Bare(ctx, e, image)
				if err != nil {
					return err
				}
				row.Bare = append(row.Bare, bare)
				fmt.Fprintf(stderr, "%s, %s, round %d: the commands alone, side by side %.1f s (%.2f)\n", builder, row.What, round+1, bare, bare/byHand)
			} else {
				table.OwnCPU = append(table.OwnCPU, cpu)
				table.OwnPart = append(table.OwnPart, cpu/byTool/float64(max(1, e.LogicalCPUs)))
			}
		}
		if err := timeDoctor(ctx, e, steps, table); err != nil {
			return err
		}
	}
	table.Rows = append(table.Rows, cold, warm)
	return nil
}

// runTool runs all steps in dir, in this process, and must find all as expected.
func runTool(ctx context.Context, dir string) (seconds, cpu float64, err error) {
	began, used := time.Now(), bench.OwnCPU()
	if err := (runOptions{base: "article", steps: dir}).run(ctx, []string{"all"}, io.Discard, io.Discard); err != nil {
		return 0, 0, errors.Join(errors.New("the tool's own run was not as expected"), err)
	}
	return time.Since(began).Seconds(), bench.OwnCPU() - used, nil
}

// timeDoctor measures diagnoses, as the verb doctor makes them: of the largest
// image against a `docker save` of it, the floor of every tool that reads an image
// whole; of a small one against the commands that fetch two files by hand.
func timeDoctor(ctx context.Context, e *engine.Engine, steps []lesson.Step, table *bench.Table) error {
	if err := (runOptions{base: "article"}).run(ctx, []string{"1", "3"}, io.Discard, io.Discard); err != nil {
		return err
	}
	large, small := engine.Repository+":"+steps[0].Name, engine.Repository+":"+steps[2].Name
	if len(table.Doctor) == 0 {
		table.Doctor = []bench.DoctorRow{
			{Image: steps[0].Name, Other: e.Name + " save"},
			{Image: steps[2].Name, Other: e.Name + " create, twice cp, rm"},
		}
	}
	typed := []func() error{
		func() error { return e.Run(ctx, nil, io.Discard, nil, "save", large) },
		func() error {
			id, err := e.Output(ctx, append(append([]string{"create", "--pull=never"}, engine.Ours()...), small)...)
			if err != nil {
				return err
			}
			for range 2 {
				err = errors.Join(err, e.Run(ctx, nil, io.Discard, nil, "cp", id+":"+lesson.Binary, "-"))
			}
			return errors.Join(err, e.Remove(ctx, id))
		},
	}
	for i, name := range []string{large, small} {
		row := &table.Doctor[i]
		began := time.Now()
		if _, err := examine(ctx, name, false, doctor.Start{}); err != nil {
			return err
		}
		row.Doctor = append(row.Doctor, time.Since(began).Seconds())
		began = time.Now()
		if err := typed[i](); err != nil {
			return err
		}
		row.Typed = append(row.Typed, time.Since(began).Seconds())
	}
	return nil
}
