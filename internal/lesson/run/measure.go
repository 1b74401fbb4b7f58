package run

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
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

// measure measures what the try's expectation asks for beside the echo and the health. before is the
// step that it changes, where that was built, too.
func (j *job) measure(ctx context.Context, before *job) (err error) {
	want, o, m := j.try.Expect, &j.outcome, &j.outcome.Measured
	ctx, stop := context.WithTimeout(ctx, 2*buildTime) // it builds up to four times, mostly from the cache
	defer stop()
	if want.Saves > 0 || want.NumericUser != nil {
		if before == nil || before.outcome.Image == nil {
			return fmt.Errorf("there is no image of %s to hold it against", j.step.Against)
		}
		if want.Saves > 0 {
			m.BinaryBefore = before.outcome.Image.Binary
		}
		if numeric := canTellFromRoot(o.Image.User); want.NumericUser != nil {
			m.NumericUser, m.UserBefore = &numeric, before.outcome.Image.User
		}
	}
	if want.Keeps != "" { // nothing else builds meanwhile: the seconds are to be compared
		if against, ok := table.Before(j.Steps, j.step); ok {
			if m.Before, _, err = j.rebuildChanged(ctx, against, against.Main()); err != nil {
				return err
			}
		}
		if m.Changed, m.Kept, err = j.rebuildChanged(ctx, j.step, j.try); err != nil {
			return err
		}
	}
	for _, arch := range want.Machines {
		if err := j.buildFor(ctx, arch); err != nil {
			return err
		}
	}
	if want.Repeats != "" {
		return j.repeat(ctx)
	}
	return nil
}

// rebuildChanged builds a step twice: as it is, so that the cache holds all of
// it, and with a line that no build has seen. It measures the second.
func (j *job) rebuildChanged(ctx context.Context, step table.Step, try table.Try) (seconds float64, kept []string, err error) {
	err = j.fromCopy(step, try, "changed", func(request engine.BuildRequest) error {
		if _, err := j.Engine.Build(ctx, request); err != nil {
			return err
		}
		program, err := os.OpenFile(filepath.Join(request.Dir, "main.go"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(program, "\n// changed: %s\n", rand.Text())
		if err := errors.Join(err, program.Close()); err != nil {
			return err
		}
		began := time.Now()
		built, err := j.Engine.Build(ctx, request)
		seconds, kept = time.Since(began).Seconds(), built.Reused
		return err
	})
	return seconds, kept, err
}

// buildFor builds for a machine, and has the doctor say whether the image would start on it.
func (j *job) buildFor(ctx context.Context, arch string) error {
	request := j.request
	request.Platform = image.Platform{OS: j.Engine.OS, Arch: arch}
	request.Tag = j.Tag(j.step, j.try.Dockerfile+"."+arch)
	built, err := j.Engine.Build(ctx, request)
	if err != nil {
		return err
	}
	machine := doctor.Machine{OS: j.Engine.OS, Arch: arch, Alone: true, Overrides: j.Engine.Overrides()}
	return j.look(ctx, built, func(img image.Image) error {
		d, err := doctor.Prove(ctx, img, machine, doctor.Options{})
		if m := &j.outcome.Measured; err == nil && d.Starts != nil && *d.Starts {
			m.Machines = append(m.Machines, arch)
		}
		return err
	})
}

// repeat builds once more, from a copy of the folder and without the cache, and
// tells what the two images have in common.
func (j *job) repeat(ctx context.Context) error {
	return j.fromCopy(j.step, j.try, "again", func(request engine.BuildRequest) error {
		request.NoCache = true
		again, err := j.Engine.Build(ctx, request)
		m, first := &j.outcome.Measured, j.outcome.Image
		switch {
		case err != nil:
		case again.ID == first.ID:
			m.Repeats = table.Digest
		case slices.Equal(again.RootFS.Layers, first.Layers):
			m.Repeats = table.Layers
		default:
			m.Repeats = table.Nothing
		}
		return err
	})
}

// health waits until the engine has made up its mind about a container.
func (j *job) health(ctx context.Context, name string) error {
	for deadline := time.Now().Add(healthTime); ; time.Sleep(250 * time.Millisecond) {
		if j.Engine.Name == "podman" { // it leaves it to systemd's timers, which not every machine has
			_, _ = j.Engine.Output(ctx, "healthcheck", "run", name) // what it finds is in the container's state
		}
		container, err := j.Engine.Inspect(ctx, name)
		if err != nil {
			return err
		}
		health := container.State.Health.Status
		j.outcome.Measured.Health = health
		if health != "starting" && health != "" || time.Now().After(deadline) {
			return nil
		}
	}
}

// canTellFromRoot is the rule of Kubernetes' runAsNonRoot: an image's USER must
// be a number, and not 0; of a name nobody knows whom it means.
func canTellFromRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	uid, err := strconv.Atoi(name)
	return err == nil && uid != 0
}
