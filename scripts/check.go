package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/check"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/screen"
)

func checkCommand() *cobra.Command {
	var asJSON, why bool
	var format string
	cmd := &cobra.Command{
		Use:     "check DIR",
		Short:   "hold your own Dockerfile against the article's goals",
		GroupID: "read",
		Args:    words(1, 1, "check needs one folder with a Dockerfile: check workshop/start"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "" && format != "github" && format != "sarif" {
				return usagef("check knows the formats github and sarif, not %q", format)
			}
			request, err := toCheck(args[0])
			if err != nil {
				return err
			}
			exercise, isOne := table.ExerciseAt(request.Dir)
			if isOne {
				request.Dir = exercise.Context
			}
			stderr := cmd.ErrOrStderr()
			report, err := checked(cmd.Context(), request, tell.Plain{Writer: stderr})
			if err != nil {
				return err
			}
			if isOne {
				report.For(exercise)
			}
			var text []byte
			switch {
			case format == "github":
				text = []byte(check.GitHub(report))
			case format == "sarif":
				if text, err = check.SARIF(report); err != nil {
					return err
				}
			case asJSON:
				text = record.Marshal(report)
			}
			if text != nil {
				if _, err := cmd.OutOrStdout().Write(text); err != nil {
					return err
				}
			} else {
				check.Tell(tell.NewTerminal(cmd.OutOrStdout()), report, why)
			}
			return goalStatus(report)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	cmd.Flags().StringVar(&format, "format", "", "`github`: commands that a workflow shows beside the lines; sarif: a log of SARIF 2.1.0")
	cmd.Flags().BoolVar(&why, "why", false, "give the proof of each goal, also of what does not start")
	return cmd
}

// toCheck finds the Dockerfile of a folder; the path of a Dockerfile will do, too.
func toCheck(path string) (check.Request, error) {
	request := check.Request{Dir: path, Dockerfile: filepath.Join(path, "Dockerfile")}
	switch info, err := os.Stat(path); {
	case err != nil:
		return request, usagef("there is no %s: check wants the folder that you would give to `docker build`", path)
	case !info.IsDir():
		request = check.Request{Dir: filepath.Dir(path), Dockerfile: path}
	}
	info, err := os.Stat(request.Dockerfile)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return request, usagef("%s is no regular file: check reads no pipes and devices", request.Dockerfile)
	}
	if err != nil || info.IsDir() {
		return request, usagef("%s holds no Dockerfile: check wants the folder that you would give to `docker build`", path)
	}
	return request, nil
}

// checked does the check, on the engine that is there.
func checked(ctx context.Context, request check.Request, say screen.Reporter) (*check.Report, error) {
	repo, err := findRepo()
	if err != nil {
		return nil, err
	}
	catalog, err := loadCatalog(repo)
	if err != nil {
		return nil, err
	}
	e, err := connect(ctx, say)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return check.Stopped(err.Error(), nil), nil
	}
	defer e.RemoveOwn(context.WithoutCancel(ctx))
	checker := &check.Checker{Engine: e, Catalog: catalog, Say: say}
	return checker.Do(ctx, request)
}

// goalStatus is 0 only where all goals are met; of an exercise, its own.
func goalStatus(report *check.Report) error {
	if report.Met || report.Solves != nil && report.Solves.Met {
		return nil
	}
	for _, goal := range report.Goals {
		if goal.Met != nil && !*goal.Met {
			return status(exitUnexpected)
		}
	}
	return status(exitEnvironment)
}
