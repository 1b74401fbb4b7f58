package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/classroom/check"
	"optimizing-dockerfile/internal/classroom/learn"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
)

func diffCommand() *cobra.Command {
	var dir string
	cmd := verb("read", "diff STEP", "show what a step's Dockerfile changes", nil, func(c *call) error {
		l, err := courseOf(dir, c.args)
		if err != nil {
			return err
		}
		asked, err := chosen(l.own, l.words)
		if err != nil {
			return err
		}
		if len(l.words) != 1 || len(asked) != 1 {
			return usagef("diff shows one step: diff 3")
		}
		for _, try := range asked[0].Tries {
			if len(asked[0].Tries) > 1 {
				c.out.Heading(try.Dockerfile)
			}
			lines, err := tell.Diff(l.all, asked[0], try.Dockerfile)
			if err != nil {
				return err
			}
			c.out.ShowDiff("", lines)
		}
		return nil
	})
	cmd.Flags().StringVar(&dir, "steps", "", "the folder of steps (default: the repo's)")
	return cmd
}

func checkCommand() *cobra.Command {
	var asJSON, why bool
	var format string
	takes := words(1, 1, "check needs one folder with a Dockerfile: check workshop/start")
	cmd := verb("read", "check DIR", "hold your own Dockerfile against the article's goals", takes, func(c *call) error {
		if format != "" && format != "github" && format != "sarif" {
			return usagef("check knows the formats github and sarif, not %q", format)
		}
		request, err := toCheck(c.args[0])
		if err != nil {
			return err
		}
		exercise, isOne := table.ExerciseAt(request.Dir)
		if isOne {
			request.Dir = exercise.Context
		}
		report, err := checked(c, request)
		if err != nil {
			return err
		}
		if isOne {
			report.For(exercise)
		}
		switch {
		case format == "github":
			fmt.Fprint(c.out, check.GitHub(report))
		case format == "sarif":
			c.json(check.SARIF(report))
		case asJSON:
			c.json(report)
		default:
			check.Tell(c.out, report, why)
		}
		switch {
		case report.Met || report.Solves != nil && report.Solves.Met: // of an exercise, its own goal
			return nil
		case slices.ContainsFunc(report.Goals, check.Goal.Missed):
			return status(exitUnexpected)
		}
		return status(exitEnvironment)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	cmd.Flags().StringVar(&format, "format", "", "`github`: commands that a workflow shows beside the lines; sarif: a log of SARIF 2.1.0")
	cmd.Flags().BoolVar(&why, "why", false, "give the proof of each goal, also of what does not start")
	return cmd
}

// toCheck finds the Dockerfile of a folder; the path of a Dockerfile will do, too.
func toCheck(path string) (check.Request, error) {
	request := check.Request{Dir: path, Dockerfile: filepath.Join(path, "Dockerfile")}
	if !isFolder(path) {
		request = check.Request{Dir: filepath.Dir(path), Dockerfile: path}
	}
	info, err := os.Stat(request.Dockerfile)
	switch {
	case err != nil && request.Dockerfile == path:
		return request, usagef("there is no %s: check wants the folder that you would give to `docker build`", path)
	case err != nil || info.IsDir():
		return request, usagef("%s holds no Dockerfile: check wants the folder that you would give to `docker build`", path)
	case !info.Mode().IsRegular():
		return request, usagef("%s is no regular file: check reads no pipes and devices", request.Dockerfile)
	}
	return request, nil
}

// checked does the check, on the engine that is there.
func checked(c *call, request check.Request) (*check.Report, error) {
	l, err := courseOf("", nil)
	if err != nil {
		return nil, err
	}
	e, err := connect(c, c.say)
	if c.Err() != nil {
		return nil, c.Err()
	}
	if err != nil {
		return check.Stopped(err.Error()), nil
	}
	defer e.RemoveOwn(context.WithoutCancel(c))
	return (&check.Checker{Engine: e, Catalog: l.bases, Say: c.say}).Do(c, request)
}

func learnCommand() *cobra.Command {
	var word string
	cmd := verb("read", "learn", "guess what each step does, see it happen, and why", nil, func(c *call) error {
		if len(c.args) > 0 {
			return usagef("to begin with a step: learn --step %s", c.args[0])
		}
		l, err := courseOf("", nil)
		if err != nil {
			return err
		}
		progress, err := learn.ReadProgress()
		if err != nil {
			return err
		}
		first := progress.Next(l.all)
		if word != "" {
			asked, err := chosen(l.all, []string{word})
			if err != nil {
				return err
			}
			first = at(l.all, asked[0])
		} else if first < 0 {
			c.out.Paragraph("You have done all the steps. `" + program.Call() + " learn --step 1` begins again.")
			return nil
		}
		session := &learn.Session{
			Steps: l.all, Progress: progress, In: c.in, Out: c.out,
			Try: func(ctx context.Context, step table.Step, report run.Reporter) record.Run {
				doc, _, _ := runOptions{}.try(ctx, l, l.bases[0], []table.Step{step}, report) // the document says what failed
				return doc
			},
			Close: func(step table.Step, doc record.Run) error { return closing(c.out, l, step, doc, "") },
		}
		return session.From(c, first)
	})
	cmd.Flags().StringVar(&word, "step", "", "begin with this step (default: the first one not done yet)")
	return cmd
}

func resetCommand() *cobra.Command {
	takes := words(1, 1, "reset takes the name of an exercise, or start: reset 01-bin-sh")
	return verb("read", "reset NAME", "give an exercise, or start, back as it was", takes, func(c *call) error {
		repo, err := findRepo()
		if err != nil {
			return err
		}
		folder, err := toReset(repo, c.args[0])
		if err != nil {
			return err
		}
		if err := bundle.Reset(c, repo.Root, folder); err != nil {
			return err
		}
		c.out.Say(folder + " is as it was.")
		return nil
	})
}

// toReset gives the folder that a word names: start, or an exercise by name, number or path.
func toReset(repo program.Repo, word string) (string, error) {
	exercises, err := table.LoadExercises(repo.Path("workshop/exercises"))
	if err != nil {
		return "", err
	}
	name := path.Base(filepath.ToSlash(word))
	if name == "start" {
		return "workshop/start", nil
	}
	for _, e := range exercises {
		if n, err := strconv.Atoi(name); name == e.Name || err == nil && strconv.Itoa(n) == e.Number() {
			return "workshop/exercises/" + e.Name, nil
		}
	}
	return "", usagef("no exercise %q; there are start, and 1 to %s, or a name such as %s",
		word, exercises[len(exercises)-1].Number(), exercises[0].Name)
}
