package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/learn"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
)

func learnCommand() *cobra.Command {
	var word string
	cmd := &cobra.Command{
		Use:     "learn",
		Short:   "guess what each step does, see it happen, and why",
		GroupID: "read",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("to begin with a step: learn --step %s", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return learnSteps(cmd.Context(), word, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&word, "step", "", "begin with this step (default: the first one not done yet)")
	return cmd
}

func learnSteps(ctx context.Context, word string, in io.Reader, stdout io.Writer) error {
	repo, err := findRepo()
	if err != nil {
		return err
	}
	dir, steps, err := loadSteps(repo, "")
	if err != nil {
		return err
	}
	file, err := progressFile()
	if err != nil {
		return err
	}
	progress, err := learn.ReadProgress(file)
	if err != nil {
		return err
	}
	out := tell.NewTerminal(stdout)
	at, more := progress.Next(steps)
	if word != "" {
		step, ok := table.Find(steps, word)
		if !ok {
			return unknownStep(steps, word)
		}
		at = slices.IndexFunc(steps, func(s table.Step) bool { return s.Name == step.Name })
	} else if !more {
		out.Paragraph("You have done all the steps. `" + program.Call() + " learn --step 1` begins again.")
		return nil
	}
	wanted, err := findBase(repo, "")
	if err != nil {
		return err
	}
	session := &learn.Session{
		Steps: steps, Progress: progress, In: in, Out: out,
		Try: func(ctx context.Context, step table.Step, report run.Reporter) (record.Run, error) {
			doc := record.Run{Schema: 1, Kind: "run"}
			_, err := runOptions{}.try(ctx, &doc, course{repo: repo, all: steps}, []table.Step{step}, wanted, report)
			return doc, err
		},
		Close: func(step table.Step, doc record.Run) error { return closing(out, repo, dir, steps, step, doc, "") },
	}
	return session.From(ctx, at)
}

// progressVariable names another file for the learner's progress.
const progressVariable = "OPTIMIZING_DOCKERFILE_PROGRESS"

// progressFile is in the learner's own configuration: `clean` does not take it away.
func progressFile() (string, error) {
	if file := os.Getenv(progressVariable); file != "" {
		return filepath.Abs(file)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep your progress in: %w; set %s to a file that can be written to", err, progressVariable)
	}
	return filepath.Join(dir, "optimizing-dockerfile", "learn.json"), nil
}
