package engine

// This file alone knows docker's old builder, the one inside the daemon. It makes an
// image per instruction and labels none but the last, so what it makes is read off its
// output and noted in a ledger. Where nobody has that builder any more, the file can go.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"optimizing-dockerfile/internal/program"
)

// Ledger is a file that lists the images and containers which builds make, a
// line each. The legacy builder can label none on the way to the last, so there
// is no other way to tell ours from somebody else's. A line is written before
// the build goes on: a kill loses none.
type Ledger struct{ Path string }

// LedgerFile is the ledger's name in the cache.
const LedgerFile = "ledger"

// ledger is that of this user; none where there is no folder for it.
func ledger() Ledger {
	dir, err := program.CacheDir()
	if err != nil {
		return Ledger{}
	}
	return Ledger{Path: filepath.Join(dir, LedgerFile)}
}

// legacyExit ends what the old builder says of a RUN that failed, before its exit status.
const legacyExit = "returned a non-zero code:"

// How the old builder reports.
var (
	legacyStep  = regexp.MustCompile(`^Step \d+/\d+ : (.*)`)
	legacyRun   = regexp.MustCompile(`^ ---> Running in ([0-9a-f]{12})$`)
	legacyGone  = regexp.MustCompile(`^(?:Removing| ---> Removed) intermediate container ([0-9a-f]{12})$`) // the second from docker 23 on
	legacyImage = regexp.MustCompile(`^ ---> ([0-9a-f]{12})$`)
)

// legacy notes what a line of the old builder's tells of; done means that the line
// tells nothing else.
func (b *buildLog) legacy(line string) (done bool) {
	if m := legacyRun.FindStringSubmatch(line); m != nil && b.container == "" {
		b.container = m[1]
		b.made(containerEntry, m[1])
		return true
	}
	if m := legacyGone.FindStringSubmatch(line); m != nil && b.container == m[1] {
		b.container = ""
		b.made(goneEntry, m[1]) // or the end of the run would look for it
		return true
	}
	switch m := legacyImage.FindStringSubmatch(line); {
	case line == " ---> Using cache":
		b.cached = true
		b.reused = append(b.reused, b.instruction)
	case m != nil && !strings.HasPrefix(b.instruction, "FROM ") && !b.cached:
		b.made(imageEntry, m[1])
	}
	return false
}

// dropBuildContainer removes the container of a RUN that was at work when its build
// was stopped: the old builder leaves it there.
func (e *Engine) dropBuildContainer(ctx context.Context, log *buildLog, began time.Time) {
	if log.container == "" {
		return
	}
	gone, stop := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer stop()
	e.removeBuildContainer(gone, entry{id: log.container, since: began.Unix()})
}

// removeBuildContainer removes the container of a RUN. That it is gone already is no error.
func (e *Engine) removeBuildContainer(ctx context.Context, c entry) error {
	created, err := e.Output(ctx, "container", "inspect", "--format", "{{.Created}}", c.id)
	switch {
	case noSuchContainer(err):
		return nil
	case err != nil:
		return err
	case !c.sinceThen(created):
		return nil // it was never ours
	}
	return e.Remove(ctx, c.id)
}

// noted gives the function that enters in the ledger what a build makes from now on.
func (e *Engine) noted() func(kind, id string) {
	began := time.Now().Unix()
	return func(kind, id string) {
		e.Ledger.note(entry{engine: e.Key(), kind: kind, id: id, owner: owner(), since: began})
	}
}

// Kinds of entries.
const (
	imageEntry     = "image"
	containerEntry = "container"
	goneEntry      = "gone" // a container of an earlier line has been removed
)

// entry is a line of the ledger.
type entry struct {
	engine, kind, id string
	owner            string // the process that made it
	since            int64  // when its build began, in Unix seconds: nothing of ours is older
}

// note adds an entry. A ledger that cannot be written costs a thorough `clean`, not the run.
func (l Ledger) note(e entry) {
	if l.Path == "" || os.MkdirAll(filepath.Dir(l.Path), 0o755) != nil {
		return
	}
	file, err := os.OpenFile(l.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer file.Close()
	fmt.Fprintln(file, e.engine, e.kind, e.id, e.owner, e.since)
}

// entries lists an engine's of a kind, the newest first, each once.
func (l Ledger) entries(engine, kind string) (newest []entry) {
	all, listed := l.read(), map[string]bool{}
	for _, e := range all {
		if e.engine == engine && e.kind == goneEntry {
			listed[e.id] = true
		}
	}
	for _, e := range slices.Backward(all) {
		if e.engine == engine && e.kind == kind && !listed[e.id] {
			listed[e.id] = true
			newest = append(newest, e)
		}
	}
	return newest
}

func (l Ledger) read() (all []entry) {
	text, _ := os.ReadFile(l.Path)
	for line := range strings.Lines(string(text)) {
		var e entry
		if _, err := fmt.Sscanln(line, &e.engine, &e.kind, &e.id, &e.owner, &e.since); err == nil {
			all = append(all, e)
		}
	}
	return all
}

// forget drops an engine's entries but those for which stays is true;
// an empty ledger goes away. Only `clean` does it: what another run notes while
// the file is written anew would be lost.
func (l Ledger) forget(engine string, stays func(made entry) bool) error {
	all := l.read()
	var rest strings.Builder
	for _, e := range all {
		if e.engine != engine || stays(e) {
			fmt.Fprintln(&rest, e.engine, e.kind, e.id, e.owner, e.since)
		}
	}
	switch {
	case len(all) == 0:
		return nil
	case rest.Len() == 0:
		return os.Remove(l.Path)
	}
	return os.WriteFile(l.Path, []byte(rest.String()), 0o644)
}

// sinceThen says whether a thing's time of making, as an engine writes it, is not
// before an entry's build. A builder's output is not to be trusted blindly: what
// a RUN prints could name somebody's older container.
func (e entry) sinceThen(created string) bool {
	at, err := time.Parse(time.RFC3339Nano, created)
	return err == nil && at.Unix() >= e.since-5
}
