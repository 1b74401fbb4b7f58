package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/lesson/tell/page"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// runOptions are the flags of the verbs run and dev record.
type runOptions struct {
	base, steps, builder, platform string
	json, keep                     bool
	record, beside, accept         bool // of `dev record`
}

func runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:     "run [STEP...|all]",
		Short:   "build and start steps, and prove what happens",
		GroupID: "read",
		Long: `Builds and starts steps on your engine, and proves why each runs or fails.

STEP is 3, 03, exec-form or 03-exec-form. A word before it names other lessons:
  beyond   after the article       today   what breaks it on today's images
  judge    images to judge         demos   what a teacher shows

  run 3 · run all · run beyond 8 · run judge all

Exit status: 0 all as expected, 1 something was not, 2 wrong usage, 3 the
environment is at fault.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON document")
	cmd.Flags().BoolVar(&o.keep, "keep", false, "leave the containers there, to look at; clean removes them")
	return cmd
}

// flags are those that run and dev record have in common.
func (o *runOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.base, "base", "", "what stands behind FROM: an id of bases.yaml, an image, or all (default: article)")
	cmd.Flags().StringVar(&o.platform, "platform", "", "what to build for and start as, such as linux/arm64 (default: the base's, else the engine's)")
	cmd.Flags().StringVar(&o.steps, "steps", "", "the folder of steps (default: the repo's)")
	cmd.Flags().StringVar(&o.builder, "builder", "", "a builder of buildx that builds, such as a remote one")
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
	if o.record && c.repo.Root != "." {
		return usagef("a record holds the commands as one types them at the repo's root: run this there")
	}
	if o.record && len(asked) < len(c.own) {
		return usagef("a record is of all steps: dev record, dev record beyond, or dev record demos")
	}
	o.base = cmp.Or(o.base, c.base)
	if o.base == "all" {
		return o.runMatrix(ctx, c, asked, stdout, stderr)
	}
	wanted, err := findBase(c.repo, o.base)
	if err != nil {
		return err
	}
	out := tell.NewTerminal(stdout)
	if len(asked) == 1 && !o.json {
		if err := out.Opening(c.all, asked[0]); err != nil {
			return err
		}
	}
	doc, asked, failure := o.runOn(ctx, c, wanted, asked, stderr)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case o.json:
		if _, err := stdout.Write(record.Marshal(doc)); err != nil {
			return err
		}
	case failure != nil:
	case len(asked) == 1:
		if err := closing(out, c.repo, c.dir, c.own, asked[0], doc, nextStep(c, asked[0])); err != nil {
			return err
		}
	default:
		out.Table(asked, doc)
	}
	if failure != nil {
		return failure
	}
	if o.record {
		if err := o.keepRecord(c, doc, tell.Plain{Writer: stderr}); err != nil {
			return err
		}
	}
	return statusOf(doc.Verdict)
}

// statusOf gives the exit status of a verdict.
func statusOf(verdict string) error {
	switch verdict {
	case run.AsExpected:
		return nil
	case run.Environment:
		return status(exitEnvironment)
	}
	return status(exitUnexpected)
}

// runOn tries steps on a base. It returns the document, also of a run that
// failed, and the steps as they are expected to end on that base.
func (o runOptions) runOn(ctx context.Context, c course, wanted base.Base, asked []table.Step, stderr io.Writer) (record.Run, []table.Step, error) {
	report, over := tell.NewReporter(stderr, asked)
	doc := record.Run{Schema: 1, Kind: "run", Steps: []run.Outcome{}}
	began := time.Now()
	there, failure := o.try(ctx, &doc, c, asked, wanted, report)
	over()
	doc.Seconds = time.Since(began).Seconds()
	if failure != nil {
		doc.Verdict, doc.Reason = run.Environment, failure.Error()
		return doc, asked, failure
	}
	return doc, there, nil
}

// try fills in run: the engine, the base, then an outcome for each Dockerfile.
// What it returns kept it from trying at all.
func (o runOptions) try(ctx context.Context, doc *record.Run, c course, asked []table.Step, wanted base.Base, report run.Reporter) ([]table.Step, error) {
	e, err := connect(ctx, report)
	if err != nil {
		return nil, err
	}
	doc.Engine = e
	defer func() { warn(report, e.RemoveOwn(context.WithoutCancel(ctx))) }()
	if o.platform != "" {
		if wanted.Platform, err = image.ParsePlatform(o.platform); err != nil {
			return nil, usageError{err}
		}
	}
	ready, err := base.Ensure(ctx, e, wanted, report)
	if err != nil {
		return nil, err
	}
	doc.Base = described(ready)
	traits, err := table.TraitsOf(ready)
	if err != nil {
		return nil, err
	}
	asked = table.On(asked, traits)
	given, cleanUp, err := o.handOver(ctx, e, ready.Image, report)
	if err != nil {
		return nil, err
	}
	defer cleanUp()
	t := &run.Trial{
		Engine: e, Root: c.repo.Root, Steps: table.On(c.all, traits), Base: ready.ID, Image: ready.Image, Platform: ready.Platform, Keep: o.keep, Given: given, Report: report,
	}
	if doc.Steps, err = t.Do(ctx, asked); err != nil {
		return nil, err
	}
	doc.Verdict = run.Worst(doc.Steps)
	return asked, nil
}

// handOver has the builder of --builder build, else that of BUILDX_BUILDER, and gives it
// the base if it cannot see it by itself. cleanUp is to be called after the builds.
func (o runOptions) handOver(ctx context.Context, e *engine.Engine, image string, say screen.Reporter) (given []string, cleanUp func(), err error) {
	cleanUp = func() {}
	builder := o.builder
	if builder == "" && e.Builder == engine.BuildKit {
		builder = os.Getenv("BUILDX_BUILDER")
	}
	if builder == "" {
		return nil, cleanUp, nil
	}
	if err := e.Use(ctx, builder); err != nil || !e.Apart {
		return nil, cleanUp, err
	}
	layout, dir, err := base.Layout(ctx, e, image, say)
	if err != nil {
		return nil, cleanUp, err
	}
	return []string{layout}, func() { os.RemoveAll(dir) }, nil
}

// keepRecord writes the records, and what is generated from those of the repo.
func (o runOptions) keepRecord(c course, doc record.Run, say screen.Reporter) error {
	if was, err := record.Read(c.dir, doc.Base.Name); err == nil && was != nil && doc.Engine != nil {
		for _, kept := range doc.KeepLeftOut(*was, c.own) {
			say.Say("kept as it was recorded: " + kept)
		}
	}
	if err := record.Write(c.dir, doc, o.beside, o.accept); err != nil {
		return unexpected{err}
	}
	if c.word == "" && doc.Base.Name == "article" && !o.beside { // of the article's steps the pages show what they print
		if err := record.WriteTexts(c.dir, doc); err != nil {
			return err
		}
	}
	if o.steps != "" {
		return nil
	}
	_, err := page.Update(c.repo.Root)
	return err
}

// closing tells the end of one step's story, with the sizes of the steps up to it.
func closing(out *tell.Terminal, repo program.Repo, dir string, steps []table.Step, step table.Step, doc record.Run, next string) error {
	recorded, err := record.Read(dir, doc.Base.Name)
	if err != nil {
		return err
	}
	var sizes []tell.Bar
	if step.Claim != "" && step.Tries[0].Dockerfile != table.Finished { // a demonstration is held against its step
		before, err := record.Read(repo.Path("steps"), doc.Base.Name)
		if err != nil {
			return err
		}
		steps = []table.Step{step}
		if before != nil {
			sizes = append(sizes, tell.Bar{Step: step.Against, Bytes: size(before.Steps, step.Against), Recorded: true})
		}
	}
	for _, s := range steps {
		bar := tell.Bar{Step: s.Name, Article: s.ArticleSize}
		if recorded != nil {
			bar.Bytes, bar.Recorded = size(recorded.Steps, s.Name), true
		}
		if s.Name == step.Name {
			bar.Bytes, bar.Recorded = size(doc.Steps, s.Name), false
		}
		if bar.Bytes > 0 {
			sizes = append(sizes, bar)
		}
		if s.Name == step.Name {
			break
		}
	}
	out.Closing(step, doc.Steps, *doc.Base, sizes, next)
	return nil
}

// nextStep says where to read more of a step, and what to type after it.
func nextStep(c course, step table.Step) string {
	more := ""
	if readme := filepath.ToSlash(filepath.Join(step.Dir, "README.md")); exists(readme) {
		more = "More: " + readme + ". "
	}
	call := program.Call() + " run "
	if c.word != "" {
		call += c.word + " "
	}
	for i, s := range c.own[:len(c.own)-1] {
		if s.Name != step.Name {
			continue
		}
		number := c.own[i+1].Number()
		next := call + number + " (" + c.own[i+1].Title + ")"
		if program.Call() == program.FromSource && c.word == "" {
			next += ", or make step-" + number
		}
		return more + "Next: " + next
	}
	return more + "Next: " + call + "all"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// size gives the bytes of a step's main image; 0 where there is none.
func size(outcomes []run.Outcome, step string) (bytes int64) {
	for _, o := range outcomes {
		if o.Step == step && o.Image != nil {
			bytes = o.Image.Bytes
		}
	}
	return bytes
}
