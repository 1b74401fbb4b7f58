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
func build(ctx context.Context, e *engine.Engine, b Base, dir, digest string, c *cache, say Progress) error {
	name := standInName(b)
	before, err := inspect(ctx, e, name)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.dir, "build.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	watch := &buildOutput{log: log}
	say.sayf("building %s", name)
	stop := tick(10*time.Second, func(passed time.Duration) { say.sayf("still building, %s: %s", seconds(passed), watch.at()) })
	err = e.Run(ctx, nil, watch, watch, buildArgs(e, name, digest, c.id(), dir)...)
	stop()
	watch.Write([]byte("\n"))
	if ctx.Err() != nil {
		settle(ctx, e, c.id())
		return ctx.Err()
	}
	say.sayf("removing what the build made on its way")
	sweep(ctx, e, c.id())
	if err != nil {
		return fmt.Errorf("%s build failed at %s: %s (all that it said: %s)", e.Name, watch.at(), watch.why(err), log.Name())
	}
	if before == nil {
		return nil
	}
	// The stand-in by an older recipe has lost its name. One that images rest on stays.
	if after, err := inspect(ctx, e, before.ID); err == nil && after != nil && len(after.RepoTags) == 0 {
		e.Output(ctx, "image", "rm", before.ID)
	}
	return nil
}

func buildArgs(e *engine.Engine, name, digest, cacheID, dir string) []string {
	args := []string{"build", "--tag", name, "--build-arg", "RECIPE=" + digest, "--build-arg", "REBUILD=" + cacheID}
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

// sweep removes what builds from this cache made on their way, and reports
// whether there was anything. It may do so because the cache is locked. The
// engine removes an image's nameless parents with it.
func sweep(ctx context.Context, e *engine.Engine, cacheID string) bool {
	found := false
	mine := []string{"--filter", "label=" + labelRebuild + "=" + cacheID}
	containers, images, err := stages(ctx, e, mine...)
	if err != nil {
		return false
	}
	for _, id := range containers {
		found = true
		e.Output(ctx, "rm", "-f", "-v", id)
	}
	for _, id := range images {
		found = true
		e.Output(ctx, "image", "rm", id)
	}
	return found
}

// settle sweeps after a build was cut off. The engine may finish an instruction
// after that, so it sweeps until nothing more has come for a while. It has its
// own time, as the context has ended.
func settle(ctx context.Context, e *engine.Engine, cacheID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second)
	defer cancel()
	for quiet := 0; quiet < 6 && ctx.Err() == nil; quiet++ {
		if sweep(ctx, e, cacheID) {
			quiet = 0
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// buildOutput reads a builder's output: where it is, and its last words.
type buildOutput struct {
	mutex sync.Mutex
	log   *os.File
	rest  string   // a line that has not ended
	step  string   // the instruction it is at
	last  []string // lines
}

var (
	stepLine = regexp.MustCompile(`^(?:\[\d+/\d+\] )?(?:Step|STEP) (\d+/\d+) ?: (.*)$|^#\d+ \[([^\]]*\d+/\d+)\] (.*)$`)
	idLine   = regexp.MustCompile(`^ ?-+> |^Removing intermediate container `)
	colour   = regexp.MustCompile("\x1b\\[[0-9;]*m")
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
		o.step = short(oneLine("step "+m[1]+m[3]+", "+m[2]+m[4]), 60)
	case idLine.MatchString(line):
	case strings.TrimSpace(line) != "":
		if o.last = append(o.last, line); len(o.last) > 5 {
			o.last = o.last[1:]
		}
	}
}

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
