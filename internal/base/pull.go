package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
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
	silenceAtFirst    = 30 * time.Second // a registry that is there answers, if through a slow network
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
func pull(ctx context.Context, e *engine.Engine, name string, p image.Platform, say screen.Reporter) error {
	words := pullWords(e, name, p)
	screen.Sayf(say, "pulling it: %s", strings.Join(words, " "))
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
			screen.Sayf(say, "still pulling, %s (last sign of progress %s ago)", rebuild.Seconds(passed), rebuild.Seconds(silent))
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
		return understood(strings.TrimPrefix(screen.Line(failed.Error()), "Error response from daemon: "), e.Name, strings.Join(words, " "))
	}
	return err
}

// refusal is a pull that failed in a way that is known: what it is, and what to do now.
type refusal struct{ what, way, words string }

func (r *refusal) Error() string { return r.what + " (" + r.words + ")" }

// refusals are known by the engines' words for them; the first that fits is it. In a
// way, the first word to fill in is the engine's program, the second the pull itself.
var refusals = []struct {
	known     *regexp.Regexp
	what, way string
}{
	{regexp.MustCompile(`(?i)toomanyrequests|too many requests|\b429\b|rate limit`),
		"the registry's pull limit is reached: it gives this network no more images for now",
		"wait some hours, or lift the limit with `%[1]s login`, then: %[2]s"},
	{regexp.MustCompile(`(?i)x509:|certificate|tls: `),
		"the engine does not trust the registry's certificate, mostly since a company's proxy opens TLS and puts its own there",
		"give the engine's machine the company's certificate and start the engine anew, then: %[2]s"},
	{regexp.MustCompile(`(?i)does not exist|: not found$|manifest unknown|name unknown`),
		"the registry has no such image, or none for whoever is not logged in",
		"look at the name; is it a private image, `%[1]s login`; then: %[2]s"},
	{regexp.MustCompile(`(?i)unauthorized|authentication required|denied|incorrect username|no basic auth|\b40[13]\b`),
		"the registry wants a login, or refuses the one that is kept here",
		"`%[1]s logout`, or `%[1]s login`, then: %[2]s"},
	{regexp.MustCompile(`(?i)unexpected EOF|\bEOF$|connection reset|broken pipe|short read|unexpected commit digest|failed size validation`),
		"the download broke off",
		"a network that holds, and once more: %[2]s"},
}

// understood says what an engine's words for a failed pull come to.
func understood(words, program, pull string) error {
	for _, r := range refusals {
		if r.known.MatchString(words) {
			return &refusal{r.what, fmt.Sprintf(r.way, program, pull), words}
		}
	}
	return errors.New(words)
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
