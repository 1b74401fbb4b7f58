package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// runOptions are the flags of the verb run.
type runOptions struct {
	base, steps, builder, platform string
	json, keep                     bool
}

func runCommand() *cobra.Command {
	var o runOptions
	cmd := verb("read", "run [STEP...|all]", "build and start steps, and prove what happens", nil, func(c *call) error { return o.run(c) })
	cmd.Long = `Builds and starts steps on your engine, and proves why each runs or fails.

STEP is 3, 03, exec-form or 03-exec-form. A word before it names other lessons:
  beyond   after the article       today   what breaks it on today's images
  judge    images to judge         demos   what a teacher shows

  run 3 · run all · run beyond 8 · run judge all

Exit status: 0 all as expected, 1 something was not, 2 wrong usage, 3 the
environment is at fault.`
	flags := cmd.Flags()
	flags.StringVar(&o.base, "base", "", "what stands behind FROM: an id of bases.yaml, an image, or all (default: article; of today, "+
		"today-alpine)")
	flags.StringVar(&o.platform, "platform", "", "what to build for and start as, such as linux/arm64 (default: the base's, else "+
		"the engine's)")
	flags.StringVar(&o.steps, "steps", "", "the folder of steps (default: the repo's)")
	flags.StringVar(&o.builder, "builder", "", "a builder of buildx that builds, such as a remote one")
	flags.BoolVar(&o.json, "json", false, "print one JSON document")
	flags.BoolVar(&o.keep, "keep", false, "leave the containers there, to look at; clean removes them")
	return cmd
}

func (o runOptions) run(c *call) error {
	l := courseOf(o.steps, c.args...)
	name := cmp.Or(o.base, later[l.word].base)
	if name == "all" {
		return o.runMatrix(c, l)
	}
	wanted := must(usage(l.bases.Find(name)))
	if len(l.asked) == 1 && !o.json {
		endOn(c.out.Opening(l.all, l.asked[0]))
	}
	doc, expected, failure := o.runOn(c, l, wanted)
	if o.json {
		c.json(doc)
	}
	switch {
	case failure != nil:
		return failure
	case o.json:
	case len(expected) == 1:
		endOn(closing(c.out, l, expected[0], doc, nextStep(l, expected[0])))
	default:
		c.out.Table(expected, doc)
	}
	return statusOf(doc.Verdict)
}

// runMatrix tries the steps on every base of bases.yaml. A base that cannot be
// had does not keep the others from being tried.
func (o runOptions) runMatrix(c *call, l course) error {
	var matrix record.Matrix
	for _, wanted := range l.bases {
		c.say.Heading(wanted.Image)
		doc, _, failure := o.runOn(c, l, wanted)
		if doc.Base == nil { // what is known of it all the same
			doc.Base = &base.Ready{Name: wanted.ID, Image: wanted.Image, Facts: wanted.Facts}
		}
		if failure != nil {
			c.say.Heading("error: " + failure.Error())
		}
		matrix.Add(doc)
	}
	if o.json {
		c.json(matrix)
	} else {
		c.out.Matrix(l.asked, matrix)
	}
	return statusOf(matrix.Verdict)
}

func statusOf(verdict string) error {
	switch verdict {
	case run.AsExpected:
		return nil
	case run.Environment:
		return status(exitEnvironment)
	}
	return status(exitUnexpected)
}

// runOn tries the steps that were asked for on a base, and tells on stderr how far it is.
func (o runOptions) runOn(c *call, l course, wanted base.Base) (record.Run, []table.Step, error) {
	report, over := c.say.Reporter(l.asked)
	defer over()
	doc, expected, failure := o.document(c, l, wanted, l.asked, report)
	endOn(c.Err())
	return doc, expected, failure
}

// document does a run, and tells of it. It returns also the steps as they are expected to end on that base. An error, which
// the document tells of too, means that not all steps could be tried.
func (o runOptions) document(
	ctx context.Context, l course, wanted base.Base, asked []table.Step, report run.Reporter,
) (doc record.Run, expected []table.Step, failure error) {
	doc = record.Run{Schema: 1, Kind: "run", Steps: []run.Outcome{}}
	began := time.Now()
	failure = attempt(func() (err error) { // what fails ends this attempt, not the verb's
		expected, err = o.fill(ctx, &doc, l, wanted, asked, report)
		return err
	})
	doc.Seconds = time.Since(began).Seconds()
	if failure != nil {
		doc.Verdict, doc.Reason, expected = run.Environment, failure.Error(), asked
	}
	return doc, expected, failure
}

// fill finds the engine, gets the base and tries the steps; the document tells of it as far as it comes.
func (o runOptions) fill(
	ctx context.Context, doc *record.Run, l course, wanted base.Base, asked []table.Step, report run.Reporter,
) (expected []table.Step, err error) {
	e := must(connect(ctx, report))
	doc.Engine = e
	defer func() { warn(report, e.RemoveOwn(context.WithoutCancel(ctx))) }()
	if o.platform != "" {
		wanted.Platform = must(usage(image.ParsePlatform(o.platform)))
	}
	ready := must(base.Ensure(ctx, e, wanted, report))
	doc.Base = ready
	traits := must(table.TraitsOf(ready))
	given, dir, err := o.handOver(ctx, e, ready.Image, report)
	defer os.RemoveAll(dir)
	endOn(err)
	t := &run.Trial{
		Engine: e, Root: l.repo.Root, Steps: table.On(l.all, traits), Base: ready.Name, BaseImage: ready.Image, Platform: ready.Platform,
		Keep: o.keep, Given: given, Report: report,
	}
	expected = table.On(asked, traits)
	doc.Steps, err = t.Do(ctx, expected)
	doc.Verdict = run.Worst(doc.Steps)
	return expected, err
}

// handOver has the builder of --builder build, else that of BUILDX_BUILDER, and gives it
// the base, in a folder that is to go after the builds, if it cannot see it by itself.
func (o runOptions) handOver(
	ctx context.Context, e *engine.Engine, image string, say screen.Reporter,
) (given []string, dir string, err error) {
	builder := o.builder
	if builder == "" && e.Builder == engine.BuildKit {
		builder = os.Getenv("BUILDX_BUILDER")
	}
	if builder == "" {
		return nil, "", nil
	}
	if err := e.Use(ctx, builder); err != nil || !e.Apart {
		return nil, "", err
	}
	dir, err = os.MkdirTemp("", engine.Repository+"-")
	if err != nil {
		return nil, "", err
	}
	layout, err := base.Layout(ctx, e, image, dir, say)
	return []string{layout}, dir, err
}

// closing tells the end of one step's story, with the sizes of the steps up to it.
func closing(out *tell.Terminal, l course, step table.Step, doc record.Run, next string) error {
	dir, before := l.dir, l.own[:table.At(l.own, step.Name)]
	if step.Claim != "" && step.Tries[0].Dockerfile != table.Finished { // a demonstration is held against its step
		dir, before = l.repo.Path("steps"), []table.Step{{Name: step.Against}}
	}
	recorded, err := record.Read(dir, doc.Base.Name)
	if err != nil {
		return err
	}
	var sizes []tell.Bar
	for i, s := range append(slices.Clone(before), step) {
		from := recorded
		if i == len(before) {
			from = &doc
		}
		for _, o := range slices.Backward(from.Of(s.Name)) { // the last is the main one
			if o.Image != nil {
				sizes = append(sizes, tell.Bar{Step: s.Name, Article: s.ArticleSize, Bytes: o.Image.Bytes, Recorded: from == recorded})
				break
			}
		}
	}
	out.Closing(step, doc.Steps, doc.Base, sizes, next)
	return nil
}

// nextStep says where to read more of a step, and what to type after it.
func nextStep(l course, step table.Step) string {
	more := ""
	readme := filepath.ToSlash(filepath.Join(step.Dir, "README.md"))
	if _, err := os.Stat(readme); err == nil {
		more = "More: " + readme + ". "
	}
	call := strings.TrimRight(program.Call()+" run "+l.word, " ") + " "
	i := table.At(l.own, step.Name)
	if i == len(l.own)-1 {
		return more + "Next: " + call + "all"
	}
	after := l.own[i+1]
	next := call + after.Number() + " (" + after.Title + ")"
	if program.Call() == program.FromSource && l.word == "" {
		next += ", or make step-" + after.Number()
	}
	return more + "Next: " + next
}
