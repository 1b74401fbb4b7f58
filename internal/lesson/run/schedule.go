package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Do tries the steps that are asked for and returns an outcome for each of their
// tries, in the lesson's order. Tries that share a compile are built one after the other,
// so that the builder does it once; groups of them side by side. An error is the
// context's alone: what else goes wrong is in the outcomes.
func (t *Trial) Do(ctx context.Context, steps []table.Step) ([]Outcome, error) {
	defer t.files.Close()
	jobs := t.plan(steps)
	t.buildAndStart(ctx, jobs, len(steps) == 1)
	var outcomes []Outcome
	for _, j := range jobs {
		if j.only {
			continue
		}
		if j.late() { // nothing else builds any more: its seconds are its own
			t.conclude(ctx, j, jobs)
		}
		outcomes = append(outcomes, j.outcome)
	}
	return outcomes, ctx.Err()
}

// buildAndStart does what needs no other try. Builds compete for the cores; more at once
// than there are would only be in each other's way. Of one step alone the next Dockerfile
// waits for the one before: both are to have port 8080.
func (t *Trial) buildAndStart(ctx context.Context, jobs []*job, oneStep bool) {
	var builds errgroup.Group
	var starts sync.WaitGroup
	defer starts.Wait()
	builds.SetLimit(max(1, min(t.Engine.LogicalCPUs, 4)))
	try := func(j *job) {
		t.build(ctx, j)
		start := func() {
			t.start(ctx, j)
			if !j.late() {
				t.conclude(ctx, j, nil)
			}
		}
		switch {
		case j.only:
		case oneStep:
			start()
		default:
			starts.Go(start)
		}
	}
	defer t.lockBuilds(ctx)()
	if t.Engine.Builder != engine.BuildKit && len(jobs) > 0 { // see legacy.go
		try(jobs[0])
		jobs = jobs[1:]
	}
	for _, group := range groups(jobs) {
		builds.Go(func() error {
			for _, j := range group {
				try(j)
			}
			return nil
		})
	}
	builds.Wait()
}

// groups puts tries that share a compile together.
func groups(jobs []*job) (all [][]*job) {
	for _, j := range jobs {
		same := func(group []*job) bool { return group[0].compile == j.compile }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i] = append(all[i], j)
		} else {
			all = append(all, []*job{j})
		}
	}
	return all
}

// late says whether a try is held against another image, or measured beside its start.
func (j *job) late() bool {
	e := j.try.Expect
	return e.SameLayersAs != "" || e.Saves > 0 || e.NumericUser != nil || e.Keeps != "" || len(e.Machines) > 0 || e.Repeats != ""
}

// conclude gives a try its verdict.
func (t *Trial) conclude(ctx context.Context, j *job, jobs []*job) {
	o := &j.outcome
	if j.fault == nil && o.Outcome == j.try.Expect.Outcome && o.Image != nil {
		j.fault = t.measure(ctx, j, mainJob(jobs, j.step.Against))
	}
	like := mainJob(jobs, j.try.Expect.SameLayersAs)
	if j.fault == nil && like != nil && like.fault != nil && like.outcome.Image == nil {
		j.fault = fmt.Errorf("there is no image of %s to hold its layers against", like.step.Name)
	}
	var layers []string
	if like != nil && like.outcome.Image != nil {
		layers = like.outcome.Image.Layers
	}
	if ctx.Err() != nil {
		return
	}
	if !j.stopped() {
		o.Verdict, o.Reasons = judge(*o, t.Platform.Arch, layers)
	}
	t.tell(false, Event{Step: o.Step, Dockerfile: o.Dockerfile, Outcome: o})
}

// stopped gives a try its verdict where the environment kept it from being tried.
func (j *job) stopped() bool {
	if j.fault != nil {
		j.outcome.Outcome, j.outcome.Verdict, j.outcome.Reasons = "", Environment, []string{oneLine(j.fault)}
	}
	return j.fault != nil
}

// mainJob gives the job of a step's own Dockerfile; nil where there is none.
func mainJob(jobs []*job, step string) *job {
	for _, j := range jobs {
		if j.step.Name == step && j.try.Dockerfile == j.step.Main().Dockerfile {
			return j
		}
	}
	return nil
}

// oneLine puts an error into one line.
func oneLine(err error) string {
	var failed *engine.Failed
	if errors.As(err, &failed) {
		return fmt.Sprintf("`%s` failed: %s", strings.Join(failed.Args[:1], " "), failed)
	}
	return screen.Line(err.Error())
}

// Single builds and starts one Dockerfile that is no step of the lesson. There is
// no expectation to hold it against: the verdict is Environment, with reasons, or
// empty. An error is the context's alone.
func (t *Trial) Single(ctx context.Context, request engine.BuildRequest) (Outcome, error) {
	defer t.files.Close()
	j := t.job(table.Step{}, table.Try{Dockerfile: request.Dockerfile}, request)
	t.build(ctx, j)
	t.start(ctx, j)
	j.stopped()
	return j.outcome, ctx.Err()
}
