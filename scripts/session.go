package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// call is a verb as somebody has called it.
type call struct {
	context.Context
	args []string
	in   io.Reader
	out  *tell.Terminal // the result; execute learns of a failed write
	say  *tell.Terminal // what goes on meanwhile
}

// verb makes a command of its line of help, how many words it takes, and what it does.
func verb(group, use, short string, takes cobra.PositionalArgs, do func(c *call) error) *cobra.Command {
	return &cobra.Command{
		GroupID: group, Use: use, Short: short, Args: takes,
		RunE: func(cmd *cobra.Command, args []string) error {
			out, say := tell.NewTerminal(cmd.OutOrStdout()), tell.NewTerminal(cmd.ErrOrStderr())
			return attempt(func() error { return do(&call{cmd.Context(), args, cmd.InOrStdin(), out, say}) })
		},
	}
}

// attempt does something, such as what a verb does, and returns the error that it ends by: its own, or must's.
func attempt(do func() error) (err error) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case ended:
			err = end.by
		default:
			panic(end)
		}
	}()
	return do()
}

// ended is how an error gets from must to the nearest attempt.
type ended struct{ by error }

// endOn ends the attempt with an error, if it is one: as a return would, with all that is deferred.
func endOn(err error) {
	if err != nil {
		panic(ended{err})
	}
}

// must gives a value, or ends the attempt with what kept it from being had.
func must[T any](value T, err error) T {
	endOn(err)
	return value
}

// word is the one that a verb takes, or what is meant without any; wrong is said where there are others, or none is meant.
func (c *call) word(wrong string, otherwise ...string) string {
	words := append(c.args, otherwise...)
	if len(c.args) > 1 || len(words) == 0 {
		endOn(usageError{errors.New(wrong)})
	}
	return words[0]
}

// json writes the one document of --json.
func (c *call) json(document any) { c.out.Write(record.Marshal(document)) }

// usage makes what went wrong wrong usage.
func usage[T any](value T, err error) (T, error) {
	if err != nil {
		err = usageError{err}
	}
	return value, err
}

func findRepo() program.Repo { return must(usage(program.FindRepo())) }

// course is what words are about: a folder of steps, the steps in it, and with
// them those that they go on from; and the bases that they may stand on.
type course struct {
	repo     program.Repo
	bases    base.Catalog
	dir      string
	all, own []table.Step
	word     string       // that names the folder, of later; "" the article's
	words    []string     // that say which of its own
	asked    []table.Step // those
}

// later are the lessons that go on from the article's, by the word that names them: the folders to
// read, the last of which is meant, and the base where nobody names another.
var later = map[string]struct {
	dirs []string
	base string
}{
	"beyond": {dirs: []string{"beyond"}},
	"demos":  {dirs: []string{"workshop/demos"}},
	"judge":  {dirs: []string{"workshop/judge"}},
	"today":  {dirs: []string{"beyond", "beyond/today"}, base: "today-alpine"},
}

// courseOf finds out which lessons words are about: those of the article, in dir, where "" is
// the repo's own; or, begun by a word of later, those that go on from it.
func courseOf(dir string, words ...string) course {
	l := course{repo: findRepo(), words: words}
	dirs := []string{l.repo.Path("steps")}
	if dir != "" {
		dirs[0] = must(filepath.Abs(dir))
	}
	if len(words) > 0 && later[words[0]].dirs != nil {
		l.word, l.words = words[0], words[1:]
		if dir != "" {
			endOn(usagef("%s goes on from the article's steps: leave --steps out", l.word))
		}
	}
	for _, way := range later[l.word].dirs {
		dirs = append(dirs, l.repo.Path(way))
	}
	for _, l.dir = range dirs {
		l.own = must(usage(table.Load(l.dir, l.all...)))
		l.all = append(slices.Clone(l.all), l.own...)
	}
	l.bases = must(usage(base.Load(l.repo.Path("bases"))))
	l.asked = must(chosen(l.own, l.words))
	return l
}

// chosen gives the steps that words name, in the lesson's order; no word, or all, means every one.
func chosen(steps []table.Step, words []string) ([]table.Step, error) {
	if len(words) == 0 || slices.Contains(words, "all") {
		return steps, nil
	}
	asked := map[string]bool{}
	for _, word := range words {
		step, ok := table.Find(steps, word)
		if !ok {
			var names []string
			for _, step := range steps {
				names = append(names, step.Name)
			}
			return nil, usagef("no step %q; there are all, a number (%s to %s), or a name: %s",
				word, steps[0].Number(), steps[len(steps)-1].Number(), strings.Join(names, ", "))
		}
		asked[step.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(steps), func(step table.Step) bool { return !asked[step.Name] }), nil
}

// instead says once, in a process, that another engine does the work than docker's.
var instead sync.Once

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

// setUp finds the repo, one of its bases and the engine: what several verbs need.
func (c *call) setUp(baseName string) (course, base.Base, *engine.Engine) {
	l := courseOf("")
	b := must(usage(l.bases.Find(baseName)))
	return l, b, must(connect(c, c.say))
}

// warn tells of an error that does not change the result.
func warn(say screen.Reporter, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		screen.Sayf(say, "warning: %s", screen.Short(err.Error(), longest))
	}
}
