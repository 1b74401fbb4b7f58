package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// rootFolder is the repo's: the one around the working folder, else the one around
// this program, which a bundle unpacks as bin/steps.
func rootFolder() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	root := cmp.Or(program.Root(here), program.Root(program.Path()))
	if root == "" {
		return "", usagef("%s is not inside the repo: no folder above it holds steps/%s", here, table.Table)
	}
	return root, nil
}

// atRoot makes the repo's root the working folder, so that the paths in what is
// printed are those that a reader pastes there.
func atRoot() error {
	root, err := rootFolder()
	if err != nil {
		return err
	}
	return os.Chdir(root)
}

// inClone says whether the working folder lies in the repo.
func inClone() bool {
	here, err := os.Getwd()
	return err == nil && program.Root(here) != ""
}

// shown is a path as a reader types it here: relative where that is shorter.
func shown(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && len(relative) < len(path) {
		return relative
	}
	return path
}

// loadSteps reads the table in dir; "" is the repo's own, steps/.
func loadSteps(dir string) (string, []table.Step, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	if err := atRoot(); err != nil {
		return "", nil, err
	}
	if dir == "" {
		dir = "steps"
	} else if dir = shown(absolute); strings.HasPrefix(dir, "..") {
		dir = absolute
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
	if c.dir, c.own, err = loadSteps(dir); err != nil {
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
	c.word, c.dir, c.base = words[0], later[words[0]], defaultBase[words[0]]
	dirs := []string{c.dir}
	if beyond := later["beyond"]; strings.HasPrefix(c.dir, beyond+"/") {
		dirs = []string{beyond, c.dir} // what is below it goes on from it
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
