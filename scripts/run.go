package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/scripts/internal/base"
	"optimizing-dockerfile/scripts/internal/engine"
	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/page"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/self"
	"optimizing-dockerfile/scripts/internal/story"
	"optimizing-dockerfile/scripts/internal/trial"
)

// runOptions are the flags of the verb run.
type runOptions struct {
	base, steps, builder       string
	json, keep, record, accept bool
}

func runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:     "run [STEP...|all|beyond [STEP...]]",
		Short:   "build and start steps, and prove what happens",
		GroupID: "read",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.base, "base", "article", "what stands behind FROM: an id of bases.yaml, an image, or all")
	cmd.Flags().StringVar(&o.steps, "steps", "", "the folder of steps (default: the repo's)")
	cmd.Flags().StringVar(&o.builder, "builder", "", "a builder of buildx that builds, such as a remote one")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON document")
	cmd.Flags().BoolVar(&o.keep, "keep", false, "leave the containers there, to look at; clean removes them")
	cmd.Flags().BoolVar(&o.record, "record", false, "keep the outcomes as the repo's records")
	cmd.Flags().BoolVar(&o.accept, "accept", false, "with --record: take over outcomes that have changed")
	return cmd
}

func (o runOptions) run(ctx context.Context, words []string, stdout, stderr io.Writer) error {
	c, err := courseOf(o.steps, words)
	if err != nil {
		return err
	}
	asked, err := chosen(c.own, c.words)
	if err != nil {
		return err
	}
	if o.record && len(asked) < len(c.own) {
		return usagef("a record is of all steps: run all --record")
	}
	if o.accept && !o.record {
		return usagef("--accept goes with --record")
	}
	if o.base == "all" {
		return o.runMatrix(ctx, c, asked, stdout, stderr)
	}
	behind, err := findBase(o.base)
	if err != nil {
		return err
	}
	out := story.NewTerminal(stdout)
	if len(asked) == 1 && !o.json {
		if err := out.Opening(c.all, asked[0]); err != nil {
			return err
		}
	}
	run, asked, failure := o.runOn(ctx, behind, c.all, asked, stderr)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case o.json:
		if _, err := stdout.Write(record.Marshal(run)); err != nil {
			return err
		}
	case failure != nil:
	case len(asked) == 1:
		if err := closing(out, c.dir, c.own, asked[0], run, nextStep(c, asked[0])); err != nil {
			return err
		}
	default:
		out.Table(asked, run)
	}
	if failure != nil {
		return failure
	}
	if o.record {
		if err := o.keepRecord(c.dir, run); err != nil {
			return err
		}
	}
	return statusOf(run.Verdict)
}

// statusOf gives the exit status of a verdict.
func statusOf(verdict string) error {
	switch verdict {
	case trial.AsExpected:
		return nil
	case trial.Environment:
		return status(exitEnvironment)
	}
	return status(exitUnexpected)
}

// runOn tries steps on a base. It returns the document, also of a run that
// failed, and the steps as they are expected to end on that base.
func (o runOptions) runOn(ctx context.Context, behind base.Base, steps, asked []lesson.Step, stderr io.Writer) (record.Run, []lesson.Step, error) {
	table := story.NewTable(story.NewTerminal(stderr), asked)
	run := record.Run{Schema: 1, Kind: "run", Steps: []trial.Outcome{}}
	began := time.Now()
	there, failure := o.try(ctx, &run, steps, asked, behind, table, stderr)
	table.Erase()
	run.Seconds = time.Since(began).Seconds()
	if failure != nil {
		run.Verdict, run.Reason = trial.Environment, failure.Error()
		return run, asked, failure
	}
	return run, there, nil
}

// try fills in run: the engine, the base, then an outcome for each Dockerfile.
// What it returns kept it from trying at all.
func (o runOptions) try(ctx context.Context, run *record.Run, steps, asked []lesson.Step, behind base.Base, table *story.Table, stderr io.Writer) ([]lesson.Step, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	run.Engine = e
	defer func() { warn(stderr, e.RemoveOwn(context.WithoutCancel(ctx))) }()
	say := sentencesTo(stderr)
	ready, err := base.Ensure(ctx, e, behind, say)
	if err != nil {
		return nil, err
	}
	run.Base = described(ready)
	traits, err := ready.Traits()
	if err != nil {
		return nil, err
	}
	asked = lesson.On(asked, traits)
	given, cleanUp, err := o.handOver(ctx, e, ready.Image, say)
	if err != nil {
		return nil, err
	}
	defer cleanUp()
	t := &trial.Trial{
		Engine: e, Steps: lesson.On(steps, traits), Base: ready.ID, Image: ready.Image, Keep: o.keep, Given: given, Progress: table.Tell,
	}
	if run.Steps, err = t.Do(ctx, asked); err != nil {
		return nil, err
	}
	run.Verdict = trial.Worst(run.Steps)
	return asked, nil
}

// handOver has the builder of --builder build, and gives it the base if it
// cannot see it by itself. cleanUp is to be called after the builds.
func (o runOptions) handOver(ctx context.Context, e *engine.Engine, image string, say base.Progress) (given []string, cleanUp func(), err error) {
	cleanUp = func() {}
	if o.builder == "" {
		return nil, cleanUp, nil
	}
	if err := e.Use(ctx, o.builder); err != nil || !e.Apart {
		return nil, cleanUp, err
	}
	layout, dir, err := base.Layout(ctx, e, image, say)
	if err != nil {
		return nil, cleanUp, err
	}
	return []string{layout}, func() { os.RemoveAll(dir) }, nil
}

// keepRecord writes the records, and what is generated from those of the repo.
func (o runOptions) keepRecord(dir string, run record.Run) error {
	if err := record.Write(dir, run, o.accept); err != nil {
		return unexpected{err}
	}
	if o.steps != "" {
		return nil
	}
	_, err := page.Update(".")
	return err
}

// closing tells the end of one step's story, with the sizes of the steps up to it.
func closing(out *story.Terminal, dir string, steps []lesson.Step, step lesson.Step, run record.Run, next string) error {
	recorded, err := record.Read(dir, run.Base.Name)
	if err != nil {
		return err
	}
	var sizes []story.Bar
	for _, s := range steps {
		bar := story.Bar{Step: s.Name, Article: s.ArticleSize}
		if recorded != nil {
			bar.Bytes, bar.Recorded = size(recorded.Steps, s.Name), true
		}
		if s.Name == step.Name {
			bar.Bytes, bar.Recorded = size(run.Steps, s.Name), false
		}
		if bar.Bytes > 0 {
			sizes = append(sizes, bar)
		}
		if s.Name == step.Name {
			break
		}
	}
	out.Closing(step, run.Steps, *run.Base, sizes, next)
	return nil
}

// nextStep says where to read more of a step, and what to type after it.
func nextStep(c course, step lesson.Step) string {
	more := ""
	if readme := filepath.ToSlash(filepath.Join(step.Dir, "README.md")); exists(readme) {
		more = "More: " + readme + ". "
	}
	run := self.Call() + " run "
	if c.dir == after {
		run += after + " "
	}
	for i, s := range c.own[:len(c.own)-1] {
		if s.Name != step.Name {
			continue
		}
		number := c.own[i+1].Number()
		next := run + number + " (" + c.own[i+1].Title + ")"
		if self.Call() == self.FromSource && c.dir != after {
			next += ", or make step-" + number
		}
		return more + "Next: " + next
	}
	return more + "Next: " + run + "all"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// size gives the bytes of a step's main image; 0 where there is none.
func size(outcomes []trial.Outcome, step string) (bytes int64) {
	for _, o := range outcomes {
		if o.Step == step && o.Image != nil {
			bytes = o.Image.Bytes
		}
	}
	return bytes
}
