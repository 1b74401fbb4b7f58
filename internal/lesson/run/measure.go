package run

import (
	"context"
	"crypto/rand"
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

// measured gives the place for what is measured.
func (o *Outcome) measured() *Measured {
	if o.Measured == nil {
		o.Measured = &Measured{}
	}
	return o.Measured
}

// measure measures what the try's expectation asks for beside the echo. before is the
// step that it changes, where that was built, too.
func (t *Trial) measure(ctx context.Context, j, before *job) error {
	want, o := j.try.Expect, &j.outcome
	if want.Saves > 0 || want.NumericUser != nil {
		if before == nil || before.outcome.Image == nil {
			return fmt.Errorf("there is no image of %s to hold it against", j.step.Against)
		}
		if want.Saves > 0 {
			o.measured().BinaryBefore = before.outcome.Image.Binary
		}
		if numeric := canTellFromRoot(o.Image.User); want.NumericUser != nil {
			o.measured().NumericUser, o.measured().UserBefore = &numeric, before.outcome.Image.User
		}
	}
	if want.Keeps != "" {
		if err := t.changeALine(ctx, j); err != nil {
			return err
		}
	}
	if len(want.Machines) > 0 {
		if err := t.buildForMachines(ctx, j); err != nil {
			return err
		}
	}
	if want.Repeats != "" {
		return t.repeat(ctx, j)
	}
	return nil
}

// changeALine builds again with one line more in main.go, this step and the one
// that it changes. Nothing else builds meanwhile: the seconds are to be compared.
func (t *Trial) changeALine(ctx context.Context, j *job) error {
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
func (t *Trial) rebuildChanged(
	ctx context.Context, step table.Step, try table.Try, args []string,
) (seconds float64, kept []string, err error) {
	dir, err := copyOf(step.Context)
	if err != nil {
		return 0, nil, err
	}
	defer os.RemoveAll(filepath.Dir(dir))
	request := t.request(step, try, dir)
	request.Tag, request.Args = t.Tag(step, try.Dockerfile+".changed"), args
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
	began := time.Now()
	built, err := t.Engine.Build(ctx, request)
	return time.Since(began).Seconds(), built.Reused, err
}

// buildForMachines builds for each machine, and has the doctor say whether the
// image would start on it.
func (t *Trial) buildForMachines(ctx context.Context, j *job) error {
	for _, arch := range j.try.Expect.Machines {
		request := j.request
		request.Platform = image.Platform{OS: t.Engine.OS, Arch: arch}
		request.Tag = t.Tag(j.step, j.try.Dockerfile+"."+arch)
		built, err := t.Engine.Build(ctx, request)
		if err != nil {
			return err
		}
		machine := doctor.Machine{OS: t.Engine.OS, Arch: arch, Foreign: doctor.ForeignNone, Overrides: t.Engine.Overrides()}
		err = t.look(ctx, built, func(img image.Image) error {
			d, err := doctor.Prove(ctx, img, machine, doctor.Start{})
			if m := j.outcome.measured(); err == nil && d.Starts != nil && *d.Starts {
				m.Machines = append(m.Machines, arch)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// repeat builds once more, from a copy of the folder and without the cache, and
// tells what the two images have in common.
func (t *Trial) repeat(ctx context.Context, j *job) error {
	dir, err := copyOf(j.step.Context)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(dir))
	request := j.request
	request.Dir = dir
	request.Tag, request.NoCache = t.Tag(j.step, j.try.Dockerfile+".again"), true
	again, err := t.Engine.Build(ctx, request)
	if err != nil {
		return err
	}
	m, first := j.outcome.measured(), j.outcome.Image
	m.Repeats = table.Nothing
	if slices.Equal(again.RootFS.Layers, first.Layers) {
		m.Repeats = table.Layers
	}
	if again.ID == first.ID {
		m.Repeats = table.Digest
	}
	return nil
}

// health waits until the engine has made up its mind about a container.
func (t *Trial) health(ctx context.Context, o *Outcome, name string) error {
	for deadline := time.Now().Add(healthTime); ; {
		if t.Engine.Name == "podman" { // it leaves it to systemd's timers, which not every machine has
			_, _ = t.Engine.Output(ctx, "healthcheck", "run", name) // what it finds is in the container's state
		}
		container, err := t.Engine.Inspect(ctx, name)
		if err != nil {
			return err
		}
		health := container.State.Health.Status
		if health != "" {
			o.measured().Health = health
		}
		if health != "starting" && health != "" || time.Now().After(deadline) {
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

// canTellFromRoot is the rule of Kubernetes' runAsNonRoot: an image's USER must
// be a number, and not 0; of a name nobody knows whom it means.
func canTellFromRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	uid, err := strconv.Atoi(name)
	return err == nil && uid != 0
}
