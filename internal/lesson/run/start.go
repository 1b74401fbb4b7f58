package run

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// start starts a try's image, and has what happens and the doctor tell the phase and the
// cause. A large image that runs is not examined: each file of it is a call to the engine.
func (t *Trial) start(ctx context.Context, j *job) {
	if j.fault != nil || j.outcome.Image == nil {
		return
	}
	t.tell(j, Starting)
	prove := prover(sync.OnceValues(func() (*doctor.Diagnosis, error) { return t.examine(ctx, j) }))
	if source.Small(j.image) {
		_, j.fault = prove()
	}
	if j.fault == nil {
		j.fault = t.try(ctx, j, prove)
	}
	if j.fault == nil && j.outcome.User == "" {
		j.fault = t.look(ctx, j, func(img image.Image) error {
			who, err := doctor.Identify(ctx, img)
			j.outcome.runsAs(who)
			return err
		})
	}
}

// prover examines a job's image, without starting it, when it is asked for the first time.
type prover func() (*doctor.Diagnosis, error)

// try starts the image and sees what comes of it.
func (t *Trial) try(ctx context.Context, j *job, prove prover) error {
	began := time.Now()
	defer func() { j.outcome.Seconds.Start = time.Since(began).Seconds() }()

	name := containerName(j)
	if !t.Keep {
		defer t.remove(ctx, name)
	}
	container, words, err := t.launch(ctx, j, name, prove)
	if err != nil {
		return err
	}
	if !container.Started {
		diagnosis, err := prove()
		if err != nil {
			return err
		}
		return refused(&j.outcome, diagnosis, container, words)
	}
	if err := t.observe(ctx, &j.outcome, prove, name, container.Host); err != nil {
		return err
	}
	if j.try.Expect.Health != "" && j.outcome.Outcome == table.Runs {
		return t.health(ctx, &j.outcome, name)
	}
	return nil
}

// examine has the doctor look at the image, and notes what it found.
func (t *Trial) examine(ctx context.Context, j *job) (diagnosis *doctor.Diagnosis, err error) {
	err = t.look(ctx, j, func(img image.Image) error {
		machine := doctor.MachineOf(t.Engine.OS, t.Engine.Arch, t.Engine.Here, t.Engine.Overrides())
		if diagnosis, err = doctor.Prove(ctx, img, machine, doctor.Start{}); err == nil {
			j.outcome.Proof, j.outcome.Libc = diagnosis.Evidence, diagnosis.Libc
			j.outcome.runsAs(diagnosis.User)
		}
		return err
	})
	return diagnosis, err
}

// look opens a try's image for as long as it is looked at.
func (t *Trial) look(ctx context.Context, j *job, at func(image.Image) error) error {
	img, err := t.files.Open(ctx, t.Engine, j.image)
	if err != nil {
		return err
	}
	defer img.Close()
	return at(img)
}

func (o *Outcome) runsAs(who doctor.User) {
	if who.UID != nil && who.GID != nil {
		o.User = account(*who.UID, *who.GID)
	}
}

func account(uid, gid int) string { return fmt.Sprintf("%d:%d", uid, gid) }

// Where a step is asked to answer: on port 8080 of this machine, as in the article,
// or on one that the engine chooses.
const (
	port8080 = "127.0.0.1:8080"
	anyPort  = "127.0.0.1:"
)

// launch runs the image on port 8080, or on a free one where 8080 is taken. It
// returns the container and the engine's words.
func (t *Trial) launch(ctx context.Context, j *job, name string, prove prover) (engine.Container, string, error) {
	host, chosen := t.address()
	container, words, err := t.runAt(ctx, j, name, host)
	chosen()
	var failed *engine.Failed
	if err == nil && container.Started || err != nil && !errors.As(err, &failed) {
		return container, words, err
	}
	d, fault := prove()
	switch {
	case fault != nil:
		return container, words, fault
	case err != nil && provedUnstartable(d) && t.Engine.Alive(ctx) == nil:
		// Some images the engine refuses before there is a container, such as one without any command.
		return engine.Container{ExitCode: failed.ExitCode}, strings.TrimSpace(failed.Stderr), nil
	case err != nil, provedUnstartable(d) && lookupFailed(container):
		return container, words, err
	}
	// It may be the port, which somebody took in between, and not the image.
	if err := t.Engine.Remove(ctx, name); err != nil {
		return container, words, err
	}
	return t.runAt(ctx, j, name, anyPort)
}

// address gives a port that is free now; chosen is to be called when it is taken.
// One that is chosen here need not be asked for afterwards.
func (t *Trial) address() (host string, chosen func()) {
	if t.choosing.TryLock() {
		if free(port8080) {
			return port8080, t.choosing.Unlock
		}
		t.choosing.Unlock()
	}
	listener, err := net.Listen("tcp", anyPort+"0")
	if err != nil {
		return anyPort, func() {}
	}
	defer listener.Close()
	return listener.Addr().String(), func() {}
}

func (t *Trial) runAt(ctx context.Context, j *job, name, host string) (engine.Container, string, error) {
	typed := host
	if typed != port8080 {
		typed = anyPort
	}
	j.outcome.Commands = append(j.outcome.Commands[:1], append([]string{t.Engine.Name}, t.Engine.RunCommand(j.request.Tag, j.request.Platform, typed)...))
	start := t.Engine.StartContainer(ctx, j.outcome.Image.ID, j.request.Platform, name, host, t.Keep)
	if start == nil && host != anyPort {
		return engine.Container{Started: true, Host: host}, "", nil
	}
	var failed *engine.Failed
	if start != nil && !errors.As(start, &failed) {
		return engine.Container{}, "", start
	}
	container, err := t.Engine.Inspect(ctx, name)
	if err != nil && start != nil { // the engine made no container: its first words tell more
		err = start
	}
	words := ""
	if failed != nil {
		words = strings.TrimSpace(failed.Stderr)
	}
	return container, words, err
}

// remove ends and removes a container, also when Ctrl-C has ended everything else.
func (t *Trial) remove(ctx context.Context, name string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second)
	defer stop()
	t.Engine.Remove(ctx, name)
}

// containers counts those of this process, for their names.
var containers atomic.Int64

// containerName is unique to this process's try.
func containerName(j *job) string {
	_, tag, _ := strings.Cut(j.request.Tag, ":")
	return fmt.Sprintf("%s-%s-%d-%d", engine.Repository, tag, os.Getpid(), containers.Add(1))
}

func free(address string) bool {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	listener.Close()
	return true
}

// lookupFailed says whether the engine's exit code is that of a program that was
// not found (127) or may not be run (126): no other trouble of a start has these.
func lookupFailed(c engine.Container) bool { return c.ExitCode == 126 || c.ExitCode == 127 }

// provedUnstartable says whether the doctor proved that no process can be made of the image.
func provedUnstartable(d *doctor.Diagnosis) bool {
	return d.Starts != nil && !*d.Starts && d.Phase == doctor.PhaseStart
}

// refused fills in the outcome of a container whose process was never made. An
// image that lacks nothing, and still does not start, is the engine's fault.
func refused(o *Outcome, d *doctor.Diagnosis, c engine.Container, words string) error {
	o.Phase, o.Message = table.Start, words
	if fault := environmentOf(words); fault != "" { // also of an image that could not start either way
		return errors.New(fault)
	}
	if !provedUnstartable(d) {
		return fmt.Errorf("the engine refused to start an image in which nothing is missing: %s", screen.Last(words, 1))
	}
	o.ExitCode, o.Missing = &c.ExitCode, d.Missing
	o.fails(table.Start, string(d.Cause), d.Missing)
	return nil
}
