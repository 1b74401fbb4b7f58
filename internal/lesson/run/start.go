package run

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/table"
)

// start weighs a try's image, has the doctor prove what becomes of it, where it is small, and then runs it. A large image
// is examined only where it fails, as each folder of it is a call to the engine.
func (j *job) start(ctx context.Context) {
	if j.fault = j.weigh(ctx); j.fault != nil || j.outcome.Image == nil {
		return
	}
	j.tell(Event{Doing: Starting})
	if source.Small(j.image) {
		_, j.fault = j.noteDiagnosis(ctx)
	}
	if j.fault == nil {
		j.fault = j.run(ctx)
	}
	if j.fault == nil && j.outcome.User == "" {
		j.fault = j.look(ctx, j.image, func(img image.Image) error {
			who, err := doctor.Identify(ctx, img)
			j.outcome.runsAs(who)
			return err
		})
	}
}

// run runs the image in a container, and sees what comes of it.
func (j *job) run(ctx context.Context) error {
	began := time.Now()
	defer func() { j.outcome.Seconds.Start = time.Since(began).Seconds() }()

	_, tag, _ := strings.Cut(j.request.Tag, ":")
	name := engine.Repository + "-" + tag + "-" + rand.Text()[:8]
	if !j.Keep {
		defer func() { // also when Ctrl-C has ended everything else
			ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second)
			defer stop()
			j.Engine.Remove(ctx, name)
		}()
	}
	host, err := j.launch(ctx, name)
	var refused *engine.Failed
	if errors.As(err, &refused) {
		return j.refused(ctx, refused)
	}
	if err == nil {
		err = j.observe(ctx, name, host)
	}
	if err == nil && j.try.Expect.Health != "" && j.outcome.Outcome == table.Runs {
		err = j.health(ctx, name)
	}
	return err
}

// noteDiagnosis notes what the doctor finds.
func (j *job) noteDiagnosis(ctx context.Context) (*doctor.Diagnosis, error) {
	d, err := j.diagnose(ctx)
	if err == nil {
		j.outcome.Proof, j.outcome.Libc = d.Evidence, d.Libc
		j.outcome.runsAs(d.User)
	}
	return d, err
}

// diagnose has the doctor look into the image, once, without starting it.
func (j *job) diagnose(ctx context.Context) (*doctor.Diagnosis, error) {
	if j.proof != nil {
		return j.proof, nil
	}
	err := j.look(ctx, j.image, func(img image.Image) error {
		d, err := doctor.Prove(ctx, img, MachineOf(j.Engine), doctor.Start{})
		if err == nil {
			j.proof = d
		}
		return err
	})
	return j.proof, err
}

// MachineOf describes the machine that an engine starts programs on.
func MachineOf(e *engine.Engine) doctor.Machine {
	return doctor.MachineOf(e.OS, e.Arch, e.Here, e.Overrides())
}

// look opens an image for as long as it is looked at.
func (t *Trial) look(ctx context.Context, about engine.Image, at func(image.Image) error) error {
	img, err := t.files.Open(ctx, t.Engine, about)
	if err != nil {
		return err
	}
	defer img.Close()
	return at(img)
}

func (o *Outcome) runsAs(who doctor.User) {
	if who.UID != nil && who.GID != nil {
		o.User = fmt.Sprintf("%d:%d", *who.UID, *who.GID)
	}
}

// Where a step is asked to answer: on port 8080 of this machine, as in the article,
// or on one that the engine chooses.
const (
	port8080 = "127.0.0.1:8080"
	anyPort  = "127.0.0.1:"
)

// launch runs the image on port 8080, or on a free one where 8080 is taken, and says where it is published. The error is
// an *engine.Failed where the engine refused.
func (j *job) launch(ctx context.Context, name string) (host string, err error) {
	typed, free := anyPort, anyPort
	if j.Engine.Here {
		free = Free(anyPort + "0") // one that is named need not be asked for
	}
	if j.choosing.TryLock() {
		defer j.choosing.Unlock()
		if Free(port8080) != "" {
			typed, free = port8080, port8080
		}
	}
	host, err = j.runAt(ctx, name, typed, free)
	var refused *engine.Failed
	if free == anyPort || !errors.As(err, &refused) {
		return host, err
	}
	// Noted where the image fails: what a record says of one that runs must not depend on who had the port.
	d, fault := j.diagnose(ctx)
	if fault != nil || d.Phase == table.Start && (refused.ExitCode == 126 || refused.ExitCode == 127) { // it was not found, or may not be run
		return "", cmp.Or(fault, err)
	}
	// It may be the port, which somebody took in between, and not the image.
	if err := j.Engine.Remove(ctx, name); err != nil {
		return "", err
	}
	return j.runAt(ctx, name, anyPort, anyPort)
}

// runAt runs the image at a port that a reader types, and that the engine is given.
func (j *job) runAt(ctx context.Context, name, typed, given string) (host string, err error) {
	command := append([]string{j.Engine.Name}, j.Engine.RunCommand(j.request.Tag, j.request.Platform, typed)...)
	j.outcome.Commands = append(j.outcome.Commands[:1], command)
	failed := j.Engine.StartContainer(ctx, j.outcome.Image.ID, j.request.Platform, name, given, j.Keep)
	refused := &engine.Failed{Args: command[1:]}
	if failed != nil && !errors.As(failed, &refused) || failed == nil && given != anyPort {
		return given, failed
	}
	container, err := j.Engine.Inspect(ctx, name)
	switch {
	// runc counts a process as started before its execve: what fails there, as step 3 does, is observed, not refused.
	case err == nil && container.Started():
		return container.Host(), nil
	case err != nil && failed == nil:
		return "", err
	case err == nil:
		refused.ExitCode = container.State.ExitCode
	default: // it was refused before there was a container, or the engine is gone
		if gone := j.Engine.Alive(ctx); gone != nil {
			return "", gone
		}
	}
	return "", refused
}

// Free gives an address of this machine, with its port, where a program may listen there; else "".
func Free(address string) string {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return ""
	}
	listener.Close()
	return listener.Addr().String()
}

// refused fills in the outcome of a container whose process was never made. Where the image's files
// say that the engine could have made it, the engine is at fault.
func (j *job) refused(ctx context.Context, by *engine.Failed) error {
	d, err := j.noteDiagnosis(ctx)
	if err != nil {
		return err
	}
	o := &j.outcome
	o.Phase, o.Message = table.Start, strings.TrimSpace(by.Stderr)
	if fault := environmentOf(o.Message); fault != "" { // also of an image that could not start either way
		return errors.New(fault)
	}
	if d.Phase != table.Start {
		return fmt.Errorf("the engine refused to start an image whose files do not keep it from that: %v", by)
	}
	o.provedBy(d, by.ExitCode)
	return nil
}

func (o *Outcome) provedBy(d *doctor.Diagnosis, status int) {
	o.ExitCode, o.Missing = &status, d.Missing
	o.fails(d.Phase, string(d.Cause), d.Missing)
}
