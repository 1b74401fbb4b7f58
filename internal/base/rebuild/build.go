package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// build has the engine build a stand-in from its context, and leaves nothing
// of the way there behind.
func build(ctx context.Context, e *engine.Engine, o Order, dir string, c *cache, say screen.Reporter) error {
	name := o.Name
	before, err := e.FindImage(ctx, name)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.dir, "build.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	screen.Sayf(say, "building %s", name)
	last := func() string {
		text, _ := os.ReadFile(log.Name())
		return cmp.Or(screen.Short(screen.Last(string(text), 1), 60), "sending the build context")
	}
	stop := Tick(10*time.Second, func(passed time.Duration) { screen.Sayf(say, "still building, %s: %s", Seconds(passed), last()) })
	digest, err := o.Recipe.Digest(o.Arch)
	if err != nil {
		return err
	}
	args := []string{"RECIPE=" + digest, "REBUILD=" + c.id(), "STAND_IN_FOR=" + o.For}
	if o.Arch != e.Arch {
		args = append(args, "COMPILES_FOR="+o.Arch)
	}
	_, err = e.Build(ctx, engine.BuildRequest{
		Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tag: name,
		Args: args, Platform: image.Platform{OS: e.OS, Arch: o.Arch},
		Log: log,
	})
	stop()
	if ctx.Err() != nil {
		settle(ctx, e, c.id())
		return ctx.Err()
	}
	screen.Sayf(say, "removing what the build made on its way")
	sweep(ctx, e, c.id())
	if err != nil {
		return fmt.Errorf("%s build failed at %s (all that it said: %s)", e.Name, why(err, last()), log.Name())
	}
	if before == nil {
		return nil
	}
	// The stand-in by an older recipe has lost its name. One that images rest on stays.
	if after, err := e.FindImage(ctx, before.ID); err == nil && after != nil && len(after.Tags) == 0 {
		e.Output(ctx, "image", "rm", before.ID)
	}
	return nil
}

// why says at which instruction a build failed, and gives the last words: the
// command's own where one ended with a failure, else the builder's.
func why(err error, at string) string {
	words := err.Error()
	var failed *engine.BuildError
	if errors.As(err, &failed) {
		if failed.Instruction != "" {
			at = screen.Short(screen.Line(failed.Instruction), 60) // of stages side by side, not the one that began last
		}
		if failed.ExitCode != 0 && failed.Output != "" {
			words = screen.Last(failed.Output, 5)
		}
	}
	return fmt.Sprintf("%s: %s", at, screen.Short(screen.Line(words), 300))
}

// sweep removes what builds from this cache made on their way, and reports
// whether there was anything. It may do so because the cache is locked. The
// engine removes an image's nameless parents with it.
func sweep(ctx context.Context, e *engine.Engine, cacheID string) bool {
	containers, images, err := Leftovers(ctx, e, "--filter", "label="+labelRebuild+"="+cacheID)
	if err != nil {
		return false
	}
	for _, id := range containers {
		e.Output(ctx, "rm", "-f", "-v", id)
	}
	for _, id := range images {
		e.Output(ctx, "image", "rm", id)
	}
	return len(containers)+len(images) > 0
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
