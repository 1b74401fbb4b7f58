package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/creack/pty"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// How long a pull may go without a sign of progress.
var (
	silenceAtFirst    = 10 * time.Second // a registry that is there answers
	silenceOnTerminal = 20 * time.Second
	// Without a terminal, engines print a line when a layer is done, and a
	// layer may be large.
	silenceElsewhere = 3 * time.Minute
)

// pullName gives the name to pull an image by. podman knows no default registry,
// unless its system's settings name one.
func pullName(e *engine.Engine, name string) string {
	if e.Builder != engine.Buildah {
		return name
	}
	first, rest, deeper := strings.Cut(name, "/")
	switch {
	case !deeper:
		return "docker.io/library/" + name
	case rest != "" && (strings.ContainsAny(first, ".:") || first == "localhost"):
		return name
	}
	return "docker.io/" + name
}

// pullWords is the command that a reader types.
func pullWords(e *engine.Engine, name string, p image.Platform) []string {
	words := []string{e.Name, "pull"}
	if p.Arch != e.Arch {
		words = append(words, "--platform", p.String())
	}
	return append(words, name)
}

// pull has the engine pull an image, as long as it makes progress. The engine
// shows progress, byte by byte, to a terminal only: so it gets one.
func pull(ctx context.Context, e *engine.Engine, name string, p image.Platform, say Progress) error {
	words := pullWords(e, name, p)
	say.Sayf("pulling it: %s", strings.Join(words, " "))
	pulling, cancel := context.WithCancel(ctx)
	defer cancel()
	var sign atomic.Int64 // when there was progress, in nanoseconds since begin
	begin := time.Now()
	progress := func() { sign.Store(int64(time.Since(begin))) }

	limit := silenceElsewhere
	display, terminal, err := pty.Open()
	if err == nil && e.Builder != engine.Buildah { // podman's progress goes to stderr
		limit = silenceOnTerminal
		pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 80})
	}
	if err == nil {
		defer display.Close()
		go drain(display, progress)
	}
	var stalled atomic.Bool
	said := time.Duration(0)
	stop := rebuild.Tick(500*time.Millisecond, func(passed time.Duration) {
		last := time.Duration(sign.Load())
		silent := passed - last
		if silent > limit || last == 0 && silent > silenceAtFirst {
			stalled.Store(true)
			cancel()
		}
		if passed-said > 10*time.Second {
			said = passed
			say.Sayf("still pulling, %s (last sign of progress %s ago)", rebuild.Seconds(passed), rebuild.Seconds(silent))
		}
	})
	if err == nil {
		err = e.Run(pulling, nil, terminal, note(progress), words[1:]...)
		terminal.Close()
	} else {
		err = e.Run(pulling, nil, note(progress), note(progress), words[1:]...)
	}
	stop()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case stalled.Load():
		if sign.Load() == 0 {
			return fmt.Errorf("the registry has not answered within %s", rebuild.Seconds(silenceAtFirst))
		}
		return fmt.Errorf("%s pull made no progress for %s", e.Name, rebuild.Seconds(limit))
	}
	var failed *engine.Failed
	if errors.As(err, &failed) {
		return errors.New(strings.TrimPrefix(screen.Line(failed.Error()), "Error response from daemon: "))
	}
	return err
}

// drain reads what is shown on a terminal, and notes that something was.
func drain(display *os.File, progress func()) {
	buffer := make([]byte, 4096)
	for {
		n, err := display.Read(buffer)
		if n > 0 {
			progress()
		}
		if err != nil {
			return
		}
	}
}

// note is a writer that notes that something was written.
type note func()

func (n note) Write(p []byte) (int, error) { n(); return len(p), nil }
