package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"optimizing-dockerfile/scripts/internal/engine"
)

// build has the engine build a stand-in from its context, and leaves nothing
// of the way there behind.
func build(ctx context.Context, e *engine.Engine, b Base, dir, digest, logDir string, say Progress) error {
	name := standInName(b)
	before, err := inspect(ctx, e, name)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(logDir, "build.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	watch := &buildOutput{log: log}
	say.sayf("building %s: Go's standard library is compiled against %s", name, b.Libc)
	stop := tick(10*time.Second, func(passed time.Duration) { say.sayf("still building, %s: %s", seconds(passed), watch.at()) })
	err = e.Run(ctx, nil, watch, watch, buildArgs(e, name, digest, dir)...)
	stop()
	watch.flush()
	if ctx.Err() != nil {
		sweep(ctx, e, watch, 4*time.Second)
		return ctx.Err()
	}
	say.sayf("removing what the build made on its way")
	sweep(ctx, e, watch, time.Minute)
	if err != nil {
		return fmt.Errorf("%s build failed at %s: %s (all that it said: %s)", e.Name, watch.at(), watch.why(err), log.Name())
	}
	if before != nil { // the stand-in by an older recipe; one that images rest on stays
		after, err := inspect(ctx, e, name)
		if err == nil && after != nil && after.ID != before.ID {
			removeDangling(ctx, e, func(id string) bool { return id == before.ID })
		}
	}
	return nil
}

func buildArgs(e *engine.Engine, name, digest, dir string) []string {
	args := []string{"build", "--tag", name, "--build-arg", "RECIPE=" + digest}
	switch e.Builder {
	case engine.Legacy:
		args = append(args, "--force-rm") // its containers, also after a failure
	case engine.BuildKit:
		args = append(args, "--load") // a builder of its own would keep the image to itself
	case engine.Buildah:
		args = append(args, "--format", "docker") // the other format has no SHELL
	}
	return append(args, dir)
}

// sweep removes the containers and images that a build made on its way, known
// by its own output. It has its own time: the context may have ended.
func sweep(ctx context.Context, e *engine.Engine, watch *buildOutput, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	watch.mutex.Lock()
	running, made := watch.running, watch.made
	watch.mutex.Unlock()
	if running != "" {
		e.Output(ctx, "rm", "-f", "-v", running)
	}
	removeDangling(ctx, e, func(id string) bool {
		for short := range made {
			if strings.HasPrefix(strings.TrimPrefix(id, "sha256:"), short) {
				return true
			}
		}
		return false
	})
}

// removeDangling removes those images that ours picks, if nothing rests on
// them and no name. The engine removes their nameless parents with them.
func removeDangling(ctx context.Context, e *engine.Engine, ours func(id string) bool) {
	out, err := e.Output(ctx, "image", "ls", "-q", "--no-trunc", "--filter", "dangling=true")
	if err != nil {
		return
	}
	for _, id := range strings.Fields(out) {
		if ours(id) {
			e.Output(ctx, "image", "rm", id) // refused where it is in use
		}
	}
}

// buildOutput reads a builder's output: what it made, and where it is.
type buildOutput struct {
	mutex   sync.Mutex
	log     *os.File
	rest    string          // a line that has not ended
	step    string          // the instruction it is at
	running string          // the container it is running
	made    map[string]bool // short IDs of images
	last    []string        // lines
}

var (
	stepLine  = regexp.MustCompile(`^(?:Step|STEP) (\d+/\d+) ?: (.*)$|^#\d+ \[([^\]]*\d+/\d+)\] (.*)$`)
	imageLine = regexp.MustCompile(`^ ?--?-> ([0-9a-f]{12,})$`)
	runLine   = regexp.MustCompile(`^ ---> Running in ([0-9a-f]{12,})$`)
	goneLine  = regexp.MustCompile(`^(?:Removing intermediate|Removed) container ([0-9a-f]{12,})$`)
	colour    = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

func (o *buildOutput) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.log.Write(p) // for reading only: a full disk shows elsewhere
	o.rest += string(p)
	for {
		line, rest, whole := strings.Cut(o.rest, "\n")
		if !whole {
			return len(p), nil
		}
		o.rest = rest
		o.line(strings.TrimRight(colour.ReplaceAllString(line, ""), "\r"))
	}
}

func (o *buildOutput) line(line string) {
	switch {
	case stepLine.MatchString(line):
		m := stepLine.FindStringSubmatch(line)
		o.step = short("step "+m[1]+m[3]+", "+m[2]+m[4], 70)
	case imageLine.MatchString(line):
		if o.made == nil {
			o.made = map[string]bool{}
		}
		o.made[imageLine.FindStringSubmatch(line)[1]] = true
	case runLine.MatchString(line):
		o.running = runLine.FindStringSubmatch(line)[1]
	case goneLine.MatchString(line):
		o.running = ""
	case strings.TrimSpace(line) != "":
		if o.last = append(o.last, line); len(o.last) > 5 {
			o.last = o.last[1:]
		}
	}
}

func (o *buildOutput) flush() { o.Write([]byte("\n")) }

// at says which instruction the builder is at.
func (o *buildOutput) at() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.step == "" {
		return "sending the build context"
	}
	return o.step
}

// why gives a failed build's last words: the instruction's own, where there are any.
func (o *buildOutput) why(err error) string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	var failed *engine.Failed
	if !errors.As(err, &failed) || len(o.last) == 0 {
		return short(oneLine(err.Error()), 300)
	}
	return short(oneLine(strings.Join(o.last, "; ")), 300)
}

func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
