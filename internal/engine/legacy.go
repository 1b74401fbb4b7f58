package engine

// This file knows what docker's old builder prints, the one inside the daemon. It makes an
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

// Ledger is a file that lists the images which builds make, a line each. The legacy builder
// can label none on the way to the last, so there is no other way to tell ours from
// somebody else's. A line is written before the build goes on: a kill loses none. The container of a RUN
// the daemon removes by itself, also where the client is gone; only where the daemon died does it stay, and is listed, too.
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
	legacyWork  = regexp.MustCompile(`^(?: ---> (Running in)|(?:Removing| ---> Removed) intermediate container) ([0-9a-f]{12})$`)
	legacyImage = regexp.MustCompile(`^ ---> ([0-9a-f]{12})$`)
)

// legacy notes what a line of the old builder's tells of; done means that the line
// tells nothing else.
func (b *buildLog) legacy(line string) (done bool) {
	switch m := legacyImage.FindStringSubmatch(line); {
	case line == " ---> Using cache":
		b.cached = true
		b.reused = append(b.reused, b.at.instruction)
	case m != nil && !strings.HasPrefix(b.at.instruction, "FROM ") && !b.cached:
		b.made(m[1])
	}
	m := legacyWork.FindStringSubmatch(line)
	if m != nil {
		b.container = map[bool]string{true: m[2]}[m[1] != ""]
	}
	return m != nil
}

// containers is the ledger's name for those of this engine that its death may have left.
func (e *Engine) containers() string { return e.Key() + "+containers" }

// removeLeft removes such containers of some owners; those that are not there, or were never ours, are passed over.
func (e *Engine) removeLeft(ctx context.Context, which func(owner string) bool) {
	for _, c := range e.Ledger.entries(e.containers()) {
		if !which(c.owner) {
			continue
		}
		if created, err := e.Output(ctx, "container", "inspect", "--format", "{{.Created}}", c.id); err == nil && c.sinceThen(created) {
			e.Remove(ctx, c.id)
		}
	}
}

// entry is a line of the ledger.
type entry struct {
	engine, id string
	owner      string // the process that made it
	since      int64  // when its build began, in Unix seconds: nothing of ours is older
}

// String is its line. Earlier versions of this tool noted containers, too, by another word.
func (e entry) String() string { return fmt.Sprintln(e.engine, "image", e.id, e.owner, e.since) }

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
	fmt.Fprint(file, e)
}

// entries lists an engine's, the newest first, each once.
func (l Ledger) entries(engine string) (newest []entry) {
	listed := map[string]bool{}
	for _, e := range slices.Backward(l.read()) {
		if e.engine == engine && !listed[e.id] {
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
		if _, err := fmt.Sscanf(line, "%s image %s %s %d\n", &e.engine, &e.id, &e.owner, &e.since); err == nil {
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
			fmt.Fprint(&rest, e)
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
// a RUN prints could name somebody's older image or container.
func (e entry) sinceThen(created string) bool {
	at, err := time.Parse(time.RFC3339Nano, created)
	return err == nil && at.Unix() >= e.since-5
}
