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

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
)

// start runs the image in a container, and sees what comes of it. Meanwhile a small one is read, for examine.
func (j *job) start(ctx context.Context) {
	if j.fault != nil || j.only || j.image.ID == "" {
		return
	}
	j.tell(Event{Doing: Starting})
	j.files.Fetch(ctx, j.Engine, j.image)
	j.fault = j.inContainer(ctx)
}

// inContainer starts the container, sees what comes of it and, but for --keep, removes it.
func (j *job) inContainer(ctx context.Context) error {
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
	if refused, ok := err.(*engine.Failed); ok { // one that is wrapped is of another command than `run`
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

// Where a step is asked to answer: on port 8080 of this machine, as in the article,
// or on a free one.
const (
	port8080 = "127.0.0.1:8080"
	anyPort  = "127.0.0.1:"
)

// launch runs the image on port 8080, or on a free one where 8080 is taken, and says where it is published. The error is
// an *engine.Failed where the engine refused.
func (j *job) launch(ctx context.Context, name string) (host string, err error) {
	typed, free := anyPort, anyPort
	if j.Engine.Here {
		free = cmp.Or(Free(anyPort+"0"), anyPort) // then the engine need not be asked which port it took
	}
	if j.choosing.TryLock() {
		defer j.choosing.Unlock()
		if Free(port8080) != "" {
			typed, free = port8080, port8080
		}
	}
	host, err = j.startAt(ctx, name, typed, free)
	refused, ok := err.(*engine.Failed) // as in inContainer
	if free == anyPort || !ok {
		return host, err
	}
	// It is asked, and not noted: what a record says of one that runs must not depend on who had the port.
	d, fault := j.ask(ctx)
	if fault != nil || d.Phase == table.Start && (refused.ExitCode == 126 || refused.ExitCode == 127) { // it was not found, or may not be run
		return "", cmp.Or(fault, err)
	}
	// It may be the port, which somebody took in between, and not the image.
	if err := j.Engine.Remove(ctx, name); err != nil {
		return "", fmt.Errorf("a container that was refused cannot be removed: %w", err)
	}
	return j.startAt(ctx, name, anyPort, anyPort)
}

// startAt starts the image at a port that a reader types, and that the engine is given.
func (j *job) startAt(ctx context.Context, name, typed, given string) (host string, err error) {
	command := append([]string{j.Engine.Name}, j.Engine.RunCommand(j.request.Tag, j.request.Platform, typed)...)
	j.outcome.Commands = append(j.outcome.Commands[:1], command)
	failed := j.Engine.StartContainer(ctx, j.image.ID, j.request.Platform, name, given, j.Keep)
	refused := &engine.Failed{Args: command[1:]}
	switch {
	case failed == nil && given != anyPort: // nobody need be asked where it is
		return given, nil
	case failed != nil && !errors.As(failed, &refused):
		return "", failed
	}
	container, err := j.Engine.Inspect(ctx, name)
	switch {
	case err == nil && container.Started():
		return container.Host(), nil
	case err != nil && failed == nil:
		return "", fmt.Errorf("its container cannot be looked at: %w", err)
	case err == nil:
		refused.ExitCode = container.State.ExitCode
	default: // it was refused before there was a container, or the engine is gone
		if gone := j.Engine.Alive(ctx); gone != nil {
			return "", gone
		}
	}
	return "", refused
}

// Free gives an address of this machine, with a port, where a program may listen there; "" where none may.
func Free(address string) string {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return ""
	}
	listener.Close()
	return listener.Addr().String()
}
