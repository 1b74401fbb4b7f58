package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// findRepo finds the repo that a verb is about.
func findRepo() (program.Repo, error) {
	repo, err := program.FindRepo()
	if err != nil {
		err = usageError{err}
	}
	return repo, err
}

// loadSteps reads the table in dir; "" is the repo's own, steps/.
func loadSteps(repo program.Repo, dir string) (string, []table.Step, error) {
	if dir == "" {
		dir = repo.Path("steps")
	} else if within, err := repo.Within(dir); err != nil {
		return "", nil, err
	} else {
		dir = within
	}
	steps, err := table.Load(dir)
	if err != nil {
		return "", nil, usageError{err}
	}
	return dir, steps, nil
}

// later are the folders of the lessons that change the article's, by the word that names them.
var later = map[string]string{"beyond": "beyond", "demos": "workshop/demos", "judge": "workshop/judge", "today": "beyond/today"}

// defaultBase are the bases of those that are not about the article's.
var defaultBase = map[string]string{"today": "today-alpine"}

// course is what words are about: a folder of steps, the steps in it, and with
// them those that they go on from.
type course struct {
	repo     program.Repo
	dir      string
	all, own []table.Step
	word     string   // that names the folder, of later; "" the article's
	words    []string // that say which of its own
	base     string   // what they are about, where nobody names another; "" the article's
}

// courseOf finds out which lessons words are about: those of the article, in dir;
// or, begun by a word of later, those that go on from it.
func courseOf(dir string, words []string) (course, error) {
	c := course{words: words}
	var err error
	if c.repo, err = findRepo(); err != nil {
		return c, err
	}
	if c.dir, c.own, err = loadSteps(c.repo, dir); err != nil {
		return c, err
	}
	c.all = c.own
	if len(words) == 0 || later[words[0]] == "" {
		return c, nil
	}
	c.words = words[1:]
	if dir != "" {
		return c, nil
	}
	c.word, c.dir, c.base = words[0], c.repo.Path(later[words[0]]), defaultBase[words[0]]
	dirs := []string{c.dir}
	if c.word == "today" {
		dirs = []string{c.repo.Path("beyond"), c.dir} // what is below it goes on from it
	}
	for _, dir := range dirs {
		if c.own, err = table.Load(dir, c.all...); err != nil {
			return c, usageError{err}
		}
		c.all = append(slices.Clone(c.all), c.own...)
	}
	return c, nil
}

// chosen gives the steps that words name, in the lesson's order; no word, or all, means every one.
func chosen(steps []table.Step, words []string) ([]table.Step, error) {
	var asked []string
	for _, word := range words {
		if word == "all" {
			return steps, nil
		}
		step, ok := table.Find(steps, word)
		if !ok {
			return nil, unknownStep(steps, word)
		}
		asked = append(asked, step.Name)
	}
	if len(asked) == 0 {
		return steps, nil
	}
	return slices.DeleteFunc(slices.Clone(steps), func(step table.Step) bool { return !slices.Contains(asked, step.Name) }), nil
}

func unknownStep(steps []table.Step, word string) error {
	var names []string
	for _, step := range steps {
		names = append(names, step.Name)
	}
	return usagef("no step %q; there are all, a number (%s to %s), or a name: %s",
		word, steps[0].Number(), steps[len(steps)-1].Number(), strings.Join(names, ", "))
}

// instead says once, in a process, that another engine does the work than docker's.
var instead sync.Once

// find finds the engine.
func find(ctx context.Context, say screen.Reporter) (*engine.Engine, error) {
	e, err := engine.Find(ctx)
	if err == nil && e.Instead != "" {
		instead.Do(func() { say.Say(screen.Harmless(e.Instead)) })
	}
	return e, err
}

// connect finds the engine and removes what a run that was killed has left in it.
func connect(ctx context.Context, say screen.Reporter) (*engine.Engine, error) {
	e, err := find(ctx, say)
	if err != nil {
		return nil, err
	}
	if err := e.Sweep(ctx); err != nil {
		return nil, fmt.Errorf("containers of an earlier run cannot be removed: %w", err)
	}
	return e, nil
}

// described puts what Ensure found into a document's words.
func described(ready *base.Ready) *record.Base {
	return &record.Base{
		Name: ready.ID, Image: ready.Image, Source: ready.Source,
		Go: ready.Go, Libc: ready.Libc, StandInFor: ready.StandInFor,
		Platform: ready.Platform.String(), Crossed: ready.Crossed,
	}
}

// warn tells of an error that does not change the result.
func warn(say screen.Reporter, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		screen.Sayf(say, "warning: %s", screen.Short(err.Error(), longest))
	}
}
