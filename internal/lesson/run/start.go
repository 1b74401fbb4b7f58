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
	t.tell(false, j.doing(Starting))
	prove := prover(sync.OnceValues(func() (*doctor.Diagnosis, error) { return t.examine(ctx, j) }))
	if source.Small(j.image) {
		_, j.fault = prove()
	}
	if j.fault == nil {
		j.fault = t.try(ctx, j, prove)
	}
	if j.fault == nil && j.outcome.User == "" {
		j.fault = t.look(ctx, j.image, func(img image.Image) error {
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
	host, refused, err := t.launch(ctx, j, name, prove)
	if err != nil {
		return err
	}
	if refused != nil {
		diagnosis, err := prove()
		if err != nil {
			return err
		}
		return refused.of(&j.outcome, diagnosis)
	}
	if err := t.observe(ctx, &j.outcome, prove, name, host); err != nil {
		return err
	}
	if j.try.Expect.Health != "" && j.outcome.Outcome == table.Runs {
		return t.health(ctx, &j.outcome, name)
	}
	return nil
}

// examine has the doctor look at the image, and notes what it found.
func (t *Trial) examine(ctx context.Context, j *job) (diagnosis *doctor.Diagnosis, err error) {
	err = t.look(ctx, j.image, func(img image.Image) error {
		if diagnosis, err = doctor.Prove(ctx, img, MachineOf(t.Engine), doctor.Start{}); err == nil {
			j.outcome.Proof, j.outcome.Libc = diagnosis.Evidence, diagnosis.Libc
			j.outcome.runsAs(diagnosis.User)
		}
		return err
	})
	return diagnosis, err
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

// refusal is how an engine said that it makes no process of an image.
type refusal struct {
	status int
	words  string
}

// launch runs the image on port 8080, or on a free one where 8080 is taken. It
// returns where it can be asked, or how the engine refused.
func (t *Trial) launch(ctx context.Context, j *job, name string, prove prover) (string, *refusal, error) {
	host, chosen := t.address()
	at, no, err := t.runAt(ctx, j, name, host)
	chosen()
	var failed *engine.Failed
	if err == nil && no == nil || err != nil && !errors.As(err, &failed) {
		return at, no, err
	}
	d, fault := prove()
	switch {
	case fault != nil:
		return "", nil, fault
	case err != nil && provedUnstartable(d) && t.Engine.Alive(ctx) == nil:
		// Some images the engine refuses before there is a container, such as one without any command.
		return "", &refusal{failed.ExitCode, strings.TrimSpace(failed.Stderr)}, nil
	case err != nil, provedUnstartable(d) && (no.status == 126 || no.status == 127): // it was not found, or may not be run
		return "", no, err
	}
	// It may be the port, which somebody took in between, and not the image.
	if err := t.Engine.Remove(ctx, name); err != nil {
		return "", nil, err
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

func (t *Trial) runAt(ctx context.Context, j *job, name, host string) (string, *refusal, error) {
	typed := host
	if typed != port8080 {
		typed = anyPort
	}
	command := append([]string{t.Engine.Name}, t.Engine.RunCommand(j.request.Tag, j.request.Platform, typed)...)
	j.outcome.Commands = append(j.outcome.Commands[:1], command)
	start := t.Engine.StartContainer(ctx, j.outcome.Image.ID, j.request.Platform, name, host, t.Keep)
	if start == nil && host != anyPort {
		return host, nil, nil
	}
	var failed *engine.Failed
	if start != nil && !errors.As(start, &failed) {
		return "", nil, start
	}
	container, err := t.Engine.Inspect(ctx, name)
	switch {
	case err != nil && start != nil: // the engine made no container: its first words tell more
		return "", nil, start
	case err != nil || container.Started():
		return container.Host(), nil, err
	case failed == nil:
		return "", &refusal{status: container.State.ExitCode}, nil
	}
	return "", &refusal{container.State.ExitCode, strings.TrimSpace(failed.Stderr)}, nil
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

// provedUnstartable says whether the doctor proved that no process can be made of the image.
func provedUnstartable(d *doctor.Diagnosis) bool {
	return d.Starts != nil && !*d.Starts && d.Phase == doctor.PhaseStart
}

// of fills in the outcome of a container whose process was never made. An
// image that lacks nothing, and still does not start, is the engine's fault.
func (r *refusal) of(o *Outcome, d *doctor.Diagnosis) error {
	o.Phase, o.Message = table.Start, r.words
	if fault := environmentOf(r.words); fault != "" { // also of an image that could not start either way
		return errors.New(fault)
	}
	if !provedUnstartable(d) {
		return fmt.Errorf("the engine refused to start an image in which nothing is missing: %s", screen.Last(r.words, 1))
	}
	o.ExitCode, o.Missing = &r.status, d.Missing
	o.fails(table.Start, string(d.Cause), d.Missing)
	return nil
}
