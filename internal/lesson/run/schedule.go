package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Trial is what the tries of a run have in common.
type Trial struct {
	Engine   *engine.Engine
	Root     string         // the repo's, as the steps' paths have it
	Steps    []table.Step   // all of the lesson's, also those that are not tried
	Base     string         // the base's name: article, or another id, or an image
	Image    string         // the image that GO_IMAGE names
	Platform image.Platform // what all is built for and started as: the base's
	Keep     bool           // leave the containers there
	Given    []string       // images that the builder cannot see by itself: engine.BuildRequest.Layouts

	Report Reporter // told as the work goes on; may be nil

	choosing    sync.Mutex    // held while a step goes for port 8080
	sharedStart *sharedStart  // what all builds share; nil where the builder sees to it
	slots       chan struct{} // as many as builds may be under way
	timing      sync.Mutex    // held by the one that takes all of them
	files       source.Cache  // of the images that are examined
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
	LeftOut          string   // why it is not tried at all; "" where it is
}

// What a try is doing.
const (
	Waiting  = "waiting"
	Building = "building"
	Starting = "starting"
)

// job is one try under way.
type job struct {
	step     table.Step
	try      table.Try
	request  engine.BuildRequest
	outcome  Outcome
	image    engine.Image  // what the engine says of it, once it is built
	compile  string        // compileKey
	built    chan struct{} // closed when its build has ended
	lost     bool          // the environment kept it from being built
	after    *job          // whose build this one's waits for, to share the compile
	done     chan struct{} // closed when all of it has
	previous *job          // of the one step that is tried, the Dockerfile before: both shall have port 8080
	only     bool          // build it, for its layers; do not start it
}

// Do tries the steps that are asked for and returns an outcome for each of their
// tries, in the lesson's order. Steps do not wait for each other, but where one
// compile serves several. An error is the context's alone: what else goes wrong
// is in the outcomes.
func (t *Trial) Do(ctx context.Context, steps []table.Step) ([]Outcome, error) {
	defer t.files.Close()
	jobs := t.plan(steps)
	// Builds compete for the cores; more at once than there are would only be in each other's way.
	t.slots = make(chan struct{}, max(1, min(t.Engine.LogicalCPUs, 4)))
	if t.Engine.Builder != engine.BuildKit && len(jobs) > 0 {
		t.sharedStart = startWith(jobs[0])
	}
	var all sync.WaitGroup
	for _, j := range jobs {
		all.Add(1)
		go func() {
			defer all.Done()
			t.do(ctx, j, jobs)
		}()
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var outcomes []Outcome
	for _, j := range jobs {
		if !j.only {
			outcomes = append(outcomes, j.outcome)
		}
	}
	return outcomes, nil
}

// plan makes the jobs and settles who waits for whom.
func (t *Trial) plan(steps []table.Step) []*job {
	var jobs []*job
	first := map[string]*job{} // of each compile
	add := func(step table.Step, try table.Try, only bool) {
		j := &job{step: step, try: try, built: make(chan struct{}), done: make(chan struct{}), only: only}
		j.request = engine.BuildRequest{
			Dir: step.Context, Dockerfile: filepath.Join(step.Dir, try.Dockerfile),
			Tag:  t.Tag(step, try.Dockerfile),
			Made: engine.MadeStep, Args: append([]string{"GO_IMAGE=" + t.Image}, try.Args...), Layouts: t.Given, Platform: t.Platform,
		}
		j.outcome = Outcome{
			Step: step.Name, Dockerfile: try.Dockerfile, Expected: try.Expect,
			Commands: [][]string{append([]string{t.Engine.Name}, t.Engine.BuildCommand(j.request)...)},
		}
		j.compile = compileKey(step.Context, filepath.Join(step.Dir, try.Dockerfile))
		if j.after = first[j.compile]; j.after == nil {
			first[j.compile] = j
		}
		if len(steps) == 1 && !only && len(jobs) > 0 && !jobs[len(jobs)-1].only {
			j.previous = jobs[len(jobs)-1]
		}
		jobs = append(jobs, j)
	}
	asked := map[string]bool{}
	for _, step := range steps {
		asked[step.Name] = true
	}
	for _, step := range t.Steps {
		for _, try := range step.Tries {
			switch why := try.LeftOut(t.Engine.Builder); {
			case why != "":
				if asked[step.Name] && t.Report != nil {
					t.Report.Step(Event{Step: step.Name, Dockerfile: try.Dockerfile, LeftOut: why})
				}
			case asked[step.Name]:
				add(step, try, false)
			case try.Dockerfile == step.Main().Dockerfile && needed(steps, step.Name):
				add(step, try, true)
			}
		}
	}
	return jobs
}

// needed says whether one of the steps is held against the image of the step name.
func needed(steps []table.Step, name string) bool {
	for _, step := range steps {
		for _, try := range step.Tries {
			if try.Expect.SameLayersAs == name || step.Against == name && (try.Expect.Saves > 0 || try.Expect.NumericUser != nil) {
				return true
			}
		}
	}
	return false
}

// do builds a job's image, starts it, and gives the outcome its verdict.
func (t *Trial) do(ctx context.Context, j *job, jobs []*job) {
	defer close(j.done)
	if j.previous != nil {
		<-j.previous.done
	}
	t.tell(j, Waiting)
	failure := t.buildInTurn(ctx, j)
	j.lost = failure != nil
	close(j.built)
	if failure == nil && j.outcome.Image != nil && !j.only {
		t.tell(j, Starting)
		failure = t.start(ctx, j)
	}
	if failure == nil && !j.only {
		failure = t.measureExtras(ctx, j, jobs)
	}
	if failure == nil && lostReference(ctx, j, jobs) {
		failure = fmt.Errorf("there is no image of %s to hold its layers against", j.try.Expect.SameLayersAs)
	}
	if j.only || ctx.Err() != nil {
		return
	}
	o := &j.outcome
	if failure != nil {
		o.Outcome, o.Verdict, o.Reasons = "", Environment, []string{oneLine(failure)}
	} else {
		o.Verdict, o.Reasons = judge(*o, t.Platform.Arch, func(step string) []string { return layers(ctx, jobs, step) })
	}
	if t.Report != nil {
		t.Report.Step(Event{Step: o.Step, Dockerfile: o.Dockerfile, Outcome: o})
	}
}

// buildInTurn builds when the compile that it shares is done and a slot is free.
func (t *Trial) buildInTurn(ctx context.Context, j *job) error {
	if j.after != nil {
		select {
		case <-j.after.built:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := t.sharedStart.wait(ctx, j); err != nil {
		return err
	}
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer t.lockCompile(ctx, j)()
	t.tell(j, Building)
	defer t.sharedStart.made(j)
	return t.build(ctx, j)
}

// layers gives those of a step's image when it is built; nil where it is not.
func layers(ctx context.Context, jobs []*job, step string) []string {
	if image := imageOf(ctx, jobs, step); image != nil {
		return image.Layers
	}
	return nil
}

// imageOf gives a step's image when it is built; nil where it is not.
func imageOf(ctx context.Context, jobs []*job, step string) *Image {
	if j := builtOf(ctx, jobs, step); j != nil {
		return j.outcome.Image
	}
	return nil
}

// builtOf gives the job of a step's own Dockerfile when its build has ended; nil
// where there is none.
func builtOf(ctx context.Context, jobs []*job, step string) *job {
	for _, j := range jobs {
		if j.step.Name == step && j.try.Dockerfile == j.step.Main().Dockerfile {
			select {
			case <-j.built:
			case <-ctx.Done():
			}
			return j
		}
	}
	return nil
}

// lostReference says whether the environment has kept the image from being built whose
// layers a job's must have: then nothing can be said of them.
func lostReference(ctx context.Context, j *job, jobs []*job) bool {
	name := j.try.Expect.SameLayersAs
	if name == "" {
		return false
	}
	other := builtOf(ctx, jobs, name)
	return other != nil && other.outcome.Image == nil && other.lost
}

// oneLine puts an error into one line.
func oneLine(err error) string {
	var failed *engine.Failed
	if errors.As(err, &failed) {
		return fmt.Sprintf("`%s` failed: %s", strings.Join(failed.Args[:1], " "), failed)
	}
	return screen.Line(err.Error())
}

func (t *Trial) tell(j *job, doing string) {
	if t.Report != nil && !j.only {
		t.Report.Step(Event{Step: j.step.Name, Dockerfile: j.try.Dockerfile, Doing: doing})
	}
}
