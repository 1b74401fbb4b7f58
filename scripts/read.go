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
		l := courseOf(dir, c.args...)
		if len(l.words) != 1 || len(l.asked) != 1 {
			return usagef("diff shows one step: diff 3")
		}
		step := l.asked[0]
		for _, try := range step.Tries {
			if len(step.Tries) > 1 {
				c.out.Heading(try.Dockerfile)
			}
			c.out.ShowDiff("", must(tell.Diff(l.all, step, try.Dockerfile)))
		}
		return nil
	})
	cmd.Flags().StringVar(&dir, "steps", "", "the folder of steps (default: the repo's)")
	return cmd
}

func checkCommand() *cobra.Command {
	var asJSON, why bool
	var format string
	cmd := verb("read", "check DIR", "hold your own Dockerfile against the article's goals", nil, func(c *call) error {
		folder := c.word("check needs one folder with a Dockerfile: check workshop/start")
		if format != "" && format != "github" && format != "sarif" {
			return usagef("check knows the formats github and sarif, not %q", format)
		}
		request := must(toCheck(folder))
		exercise, isOne := table.ExerciseAt(request.Dir)
		if isOne {
			request.Dir = exercise.Context
		}
		report := checked(c, request)
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
func checked(c *call, request check.Request) *check.Report {
	l := courseOf("")
	e, err := connect(c, c.say)
	endOn(c.Err())
	if err != nil {
		return check.Stopped(err.Error())
	}
	defer e.RemoveOwn(context.WithoutCancel(c))
	request.Engine, request.Catalog, request.Say = e, l.bases, c.say
	return must(request.Do(c))
}

func learnCommand() *cobra.Command {
	var word string
	cmd := verb("read", "learn", "guess what each step does, see it happen, and why", nil, func(c *call) error {
		if len(c.args) > 0 {
			return usagef("to begin with a step: learn --step %s", c.args[0])
		}
		l, progress := courseOf(""), must(learn.ReadProgress())
		first := progress.Next(l.all)
		if word != "" {
			first = table.At(l.all, must(chosen(l.all, []string{word}))[0].Name)
		} else if first < 0 {
			c.out.Paragraph("You have done all the steps. `" + program.Call() + " learn --step 1` begins again.")
			return nil
		}
		session := &learn.Session{
			Steps: l.all, Progress: progress, In: c.in, Out: c.out,
			Try: func(ctx context.Context, step table.Step, report run.Reporter) record.Run {
				doc, _, _ := runOptions{}.document(ctx, l, l.bases[0], []table.Step{step}, report) // the document says what failed
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
	return verb("read", "reset NAME", "give an exercise, or start, back as it was", nil, func(c *call) error {
		name := c.word("reset takes the name of an exercise, or start: reset 01-bin-sh")
		repo := findRepo()
		folder := must(toReset(repo, name))
		endOn(bundle.Reset(c, repo.Root, folder))
		c.out.Say(folder + " is as it was.")
		return nil
	})
}

// toReset gives the folder that a word names: start, or an exercise by name, number or path.
func toReset(repo program.Repo, word string) (string, error) {
	exercises := must(table.LoadExercises(repo.Path("workshop/exercises")))
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
