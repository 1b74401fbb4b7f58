package run

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/table"
)

// Measured is what a lesson after the article shows beside the echo; only what
// its expectation asks for is there.
type Measured struct {
	Kept    []string `json:"kept,omitempty"`    // instructions that a changed line in main.go did not repeat
	Changed float64  `json:"changed,omitempty"` // seconds of the build with the changed line
	Before  float64  `json:"before,omitempty"`  // the same in the step that this one changes

	BinaryBefore int64  `json:"binary_before,omitempty"` // bytes of Binary there
	NumericUser  *bool  `json:"numeric_user,omitempty"`
	UserBefore   string `json:"user_before,omitempty"`

	Health   string   `json:"health,omitempty"`
	Machines []string `json:"machines,omitempty"`
	Repeats  string   `json:"repeats,omitempty"`
}

// healthTime is the longest that a HEALTHCHECK may stay at "starting": the
// Dockerfiles look every second.
const healthTime = 30 * time.Second

// measured gives the place for what is measured.
func (o *Outcome) measured() *Measured {
	if o.Measured == nil {
		o.Measured = &Measured{}
	}
	return o.Measured
}

// measureExtras measures what the try's expectation asks for beside the echo. An
// outcome that is not the expected one is not measured.
func (t *Trial) measureExtras(ctx context.Context, j *job, jobs []*job) error {
	want, o := j.try.Expect, &j.outcome
	if o.Outcome != want.Outcome || o.Image == nil {
		return nil
	}
	if want.Saves > 0 || want.NumericUser != nil {
		if err := t.compare(ctx, j, jobs); err != nil {
			return err
		}
	}
	for _, m := range []struct {
		asked   bool
		measure func(context.Context, *job) error
	}{
		{want.Keeps != "", t.changeALine},
		{len(want.Machines) > 0, t.buildForMachines},
		{want.Repeats != "", t.repeat},
	} {
		if !m.asked {
			continue
		}
		if err := m.measure(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// compare holds the image against that of the step that it changes.
func (t *Trial) compare(ctx context.Context, j *job, jobs []*job) error {
	before := imageOf(ctx, jobs, j.step.Against)
	if before == nil {
		return fmt.Errorf("there is no image of %s to hold it against", j.step.Against)
	}
	m := j.outcome.measured()
	if j.try.Expect.Saves > 0 {
		img, err := source.FromEngine(ctx, t.Engine, before.ID)
		if err != nil {
			return err
		}
		defer img.Close()
		entry, err := img.Lstat(ctx, table.Binary)
		if err != nil {
			return err
		}
		m.BinaryBefore = entry.Size
	}
	if j.try.Expect.NumericUser != nil {
		numeric := canTellFromRoot(j.outcome.Image.User)
		m.NumericUser, m.UserBefore = &numeric, before.User
	}
	return nil
}

// changeALine builds again with one line more in main.go, this step and the one
// that it changes. Nothing else builds meanwhile: the seconds are to be compared.
func (t *Trial) changeALine(ctx context.Context, j *job) error {
	t.timing.Lock()
	defer t.timing.Unlock()
	for range cap(t.slots) {
		select {
		case t.slots <- struct{}{}:
			defer func() { <-t.slots }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m := j.outcome.measured()
	var err error
	if before, ok := table.Before(t.Steps, j.step); ok {
		if m.Before, _, err = t.rebuildChanged(ctx, before, before.Main(), j.request.Args); err != nil {
			return err
		}
	}
	m.Changed, m.Kept, err = t.rebuildChanged(ctx, j.step, j.try, j.request.Args)
	return err
}

// rebuildChanged builds a step twice: as it is, so that the cache holds all of
// it, and with a line that no build has seen. It measures the second.
func (t *Trial) rebuildChanged(ctx context.Context, step table.Step, try table.Try, args []string) (seconds float64, kept []string, err error) {
	dir, err := copyOf(step.Context)
	if err != nil {
		return 0, nil, err
	}
	defer os.RemoveAll(filepath.Dir(dir))
	request := engine.BuildRequest{
		Dir: dir, Dockerfile: filepath.Join(step.Dir, try.Dockerfile),
		Tag: t.Tag(step, try.Dockerfile+".changed"), Made: engine.MadeStep, Args: args, Layouts: t.Given, Platform: t.Platform,
	}
	if _, err := t.Engine.Build(ctx, request); err != nil {
		return 0, nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "main.go"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 0, nil, err
	}
	fmt.Fprintf(file, "\n// changed: %s\n", rand.Text())
	if err := file.Close(); err != nil {
		return 0, nil, err
	}
	request.Cached = func(instruction string) { kept = append(kept, instruction) }
	began := time.Now()
	_, err = t.Engine.Build(ctx, request)
	return time.Since(began).Seconds(), kept, err
}

// buildForMachines builds for each machine, and has the doctor say whether the
// image would start on it.
func (t *Trial) buildForMachines(ctx context.Context, j *job) error {
	m := j.outcome.measured()
	for _, arch := range j.try.Expect.Machines {
		request := j.request
		request.Platform = image.Platform{OS: t.Engine.OS, Arch: arch}
		request.Tag = t.Tag(j.step, j.try.Dockerfile+"."+arch)
		built, err := t.Engine.Build(ctx, request)
		if err != nil {
			return err
		}
		starts, err := t.startsOn(ctx, built.ID, arch)
		if err != nil {
			return err
		}
		if starts {
			m.Machines = append(m.Machines, arch)
		}
	}
	return nil
}

func (t *Trial) startsOn(ctx context.Context, id, arch string) (bool, error) {
	img, err := source.FromEngine(ctx, t.Engine, id)
	if err != nil {
		return false, err
	}
	defer img.Close()
	d, err := doctor.Prove(ctx, img, doctor.Machine{OS: t.Engine.OS, Arch: arch, Foreign: doctor.ForeignNone, Overrides: t.Engine.Overrides()}, doctor.Start{})
	if err != nil {
		return false, err
	}
	return d.Starts != nil && *d.Starts, nil
}

// repeat builds once more, from a copy of the folder and without the cache, and
// tells what the two images have in common.
func (t *Trial) repeat(ctx context.Context, j *job) error {
	dir, err := copyOf(j.step.Context)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(dir))
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	request := j.request
	request.Dir = dir
	request.Tag, request.NoCache = t.Tag(j.step, j.try.Dockerfile+".again"), true
	again, err := t.Engine.Build(ctx, request)
	if err != nil {
		return err
	}
	switch first := j.outcome.Image; {
	case again.ID == first.ID:
		j.outcome.measured().Repeats = table.Digest
	case slices.Equal(again.RootFS.Layers, first.Layers):
		j.outcome.measured().Repeats = table.Layers
	default:
		j.outcome.measured().Repeats = table.Nothing
	}
	return nil
}

// health waits until the engine has made up its mind about a container.
func (t *Trial) health(ctx context.Context, o *Outcome, name string) error {
	for deadline := time.Now().Add(healthTime); ; {
		container, err := t.Engine.Inspect(ctx, name)
		if err != nil {
			return err
		}
		if container.Health != "" {
			o.measured().Health = container.Health
		}
		if container.Health != "starting" && container.Health != "" || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// copyOf copies the folder that a step is built from; the copies have dates of their own.
func copyOf(dir string) (string, error) {
	to, err := os.MkdirTemp("", engine.Repository+"-")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(filepath.Join(to, "app"), os.DirFS(dir)); err != nil {
		os.RemoveAll(to)
		return "", err
	}
	return filepath.Join(to, "app"), nil
}
