// Package run does a step for real. Do, here, takes each try through these: plan.go makes it a
// job, build.go makes the image, start.go starts a container of it, observe.go sees what becomes of
// that, and asks for the echo, examine.go weighs the image and notes what the doctor proves of it
// (start.go and observe.go ask that already, where the container fails), measure.go takes the
// figures of the lessons after the article, and outcome.go is what comes out, and what judges it,
// at the end of conclude, here.
package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// Trial is what the tries of a run have in common.
type Trial struct {
	Engine    *engine.Engine
	Root      string         // the repo's, as the steps' paths have it
	Steps     []table.Step   // all of the lesson's, also those that are not tried
	Base      string         // the base's name: article, or another id, or an image
	BaseImage string         // that GO_IMAGE names
	Platform  image.Platform // what all is built for and started as: the base's
	Keep      bool           // leave the containers there
	Given     []string       // images that the builder cannot see by itself: engine.BuildRequest.Layouts

	Report Reporter // told as the work goes on; may be nil

	choosing sync.Mutex   // held by the step that goes for port 8080
	files    source.Cache // of the images that are examined
}

// Reporter is told what happens during a run: in sentences, and of each try where it is.
type Reporter interface {
	screen.Reporter
	Step(Event)
}

// Event tells where a try is.
type Event struct {
	Step, Dockerfile string
	Doing            string   // in a word
	Outcome          *Outcome // when it is done
}

// What a try is doing.
const (
	Waiting  = "waiting"
	Building = "building"
	Starting = "starting"
)

// Do tries the steps that are asked for and returns an outcome for each of their
// tries that the builder here can make, in the lesson's order. Tries that share a compile are built one after the other,
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
		if j.late() { // measured last, when no other build slows it down
			j.conclude(ctx, jobs)
		}
		outcomes = append(outcomes, j.outcome)
	}
	return outcomes, ctx.Err()
}

// buildAndStart does what needs no other try. Builds compete for the cores: BuildKit's, more at once
// than there are, would only be in each other's way. Of one step alone the next Dockerfile
// waits for the one before: both are to have port 8080.
func (t *Trial) buildAndStart(ctx context.Context, jobs []*job, oneStep bool) {
	var builds errgroup.Group
	var starts sync.WaitGroup
	defer starts.Wait()
	atOnce := max(1, min(t.Engine.LogicalCPUs, 4))
	do := func(j *job) {
		j.build(ctx)
		rest := func() {
			j.start(ctx)
			j.examine(ctx)
			if !j.only && !j.late() { // there is no other to hold it against
				j.conclude(ctx, nil)
			}
		}
		if oneStep && !j.only {
			rest()
		} else {
			starts.Go(rest)
		}
	}
	defer t.lockBuilds(ctx)()
	groups := groups(jobs)
	switch {
	case oneStep:
		atOnce = 1
	case t.Engine.Builder != engine.BuildKit && len(groups) > 1:
		t.buildShared(ctx, groups)
		atOnce++ // half of what these builders do is waiting for the disk
	}
	builds.SetLimit(atOnce)
	for _, group := range groups {
		builds.Go(func() error {
			for _, j := range group {
				do(j)
			}
			return nil
		})
	}
	builds.Wait()
}

// groups puts tries that share a compile together: one joins the first group that begins with all that it compiles.
func groups(jobs []*job) (all [][]*job) {
	for _, j := range jobs {
		same := func(group []*job) bool { return j.shares(group[0]) >= j.compiled }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i] = append(all[i], j)
		} else {
			all = append(all, []*job{j})
		}
	}
	return all
}

// lockWait bounds the wait for another run's builds; afterwards both go on.
const lockWait = 10 * time.Minute

// lockBuilds waits until no other run on this machine builds its steps with docker's old builder. That
// finds what it has made before only if one build goes after the other: it looks among the
// children of one image. Two runs at a time would compile the same twice, and later builds of
// either would find now the one and now the other; steps that must have the same layers would
// have none in common. The file that is locked says nothing; without it, only the wait is missing.
func (t *Trial) lockBuilds(ctx context.Context) (end func()) {
	dir, err := program.CacheDir()
	if err != nil || t.Engine.Builder != engine.Legacy || os.MkdirAll(dir, 0o755) != nil {
		return func() {}
	}
	lock := flock.New(filepath.Join(dir, "builds-"+engine.Tag(t.Engine.Key())))
	if held, err := lock.TryLock(); err == nil && !held {
		screen.Sayf(t.Report, "waiting for the builds of another run")
		waiting, stop := context.WithTimeout(ctx, lockWait)
		defer stop()
		lock.TryLockContext(waiting, 100*time.Millisecond)
	}
	return func() { lock.Close() }
}

// late says whether a try waits for the others: it is held against another image, or measured beside its start.
func (j *job) late() bool {
	e := j.try.Expect
	return e.SameLayersAs != "" || e.Saves > 0 || e.NumericUser != nil || e.Keeps != "" || len(e.Machines) > 0 || e.Repeats != ""
}

// conclude gives a try its verdict. What it is held against is among jobs.
func (j *job) conclude(ctx context.Context, jobs []*job) {
	o := &j.outcome
	if j.fault == nil && o.Outcome == j.try.Expect.Outcome && o.Image != nil {
		j.fault = j.measure(ctx, mainJob(jobs, j.step.Against))
	}
	var layers []string
	if like := mainJob(jobs, j.try.Expect.SameLayersAs); like != nil && like.outcome.Image != nil {
		layers = like.outcome.Image.Layers
	} else if like != nil && like.fault != nil && j.fault == nil {
		j.fault = fmt.Errorf("there is no image of %s to hold its layers against", like.step.Name)
	}
	if ctx.Err() != nil {
		return
	}
	if !j.stopped() {
		o.Verdict, o.Reasons = judge(*o, j.Platform.Arch, layers)
	}
	j.tell(Event{Outcome: o})
}

// stopped gives a try its verdict where the environment kept it from being tried.
func (j *job) stopped() bool {
	if j.fault != nil {
		j.outcome.Outcome, j.outcome.Verdict, j.outcome.Reasons = "", Environment, []Reason{{What: oneLine(j.fault)}}
	}
	return j.fault != nil
}

// mainJob gives the job of a step's own Dockerfile; nil where there is none.
func mainJob(jobs []*job, step string) *job {
	i := slices.IndexFunc(jobs, func(j *job) bool { return j.step.Name == step && j.try.Dockerfile == j.step.Main().Dockerfile })
	if i < 0 {
		return nil
	}
	return jobs[i]
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
	j.build(ctx)
	j.start(ctx)
	j.examine(ctx)
	j.stopped()
	return j.outcome, ctx.Err()
}
