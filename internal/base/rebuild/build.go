package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// build has the engine build a stand-in from its context, and leaves nothing
// of the way there behind.
func build(ctx context.Context, e *engine.Engine, o Order, dir string, c *cache) error {
	digest, err := o.Recipe.Digest(o.Arch)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.dir, "build.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	screen.Sayf(c.say, "building %s", o.Name)
	last := func() string {
		text, _ := os.ReadFile(log.Name())
		return cmp.Or(screen.Short(screen.Last(string(text), 1), 60), "sending the build context")
	}
	stop := screen.Meanwhile(c.say, 10*time.Second, func(passed string) string { return "still building, " + passed + ": " + last() })
	args := []string{"RECIPE=" + digest, "REBUILD=" + c.id(), "STAND_IN_FOR=" + o.For, "IMAGE=" + o.On}
	if o.Arch != e.Arch {
		args = append(args, "COMPILES_FOR="+o.Arch)
	}
	_, err = e.Build(ctx, engine.BuildRequest{
		Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tag: o.Name,
		Args: args, Platform: image.Platform{OS: e.OS, Arch: o.Arch},
		Log: log,
	})
	stop()
	if ctx.Err() != nil {
		c.settle(ctx, e)
		return ctx.Err()
	}
	screen.Sayf(c.say, "removing what the build made on its way")
	c.sweep(ctx, e)
	if err != nil {
		return fmt.Errorf("%s build failed at %s (all that it said: %s)", e.Name, why(err, last()), log.Name())
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

// sweep removes the images that builds from this cache made on their way, and counts
// them. It may do so because the cache is locked.
func (c *cache) sweep(ctx context.Context, e *engine.Engine) (images int) {
	images, _ = Sweep(ctx, e, "--filter", "label="+labelRebuild+"="+c.id())
	return images
}

// Sweep removes the images that builds of a stand-in made on their way and left behind, as they were cut
// off; or that one needs which is running now. The engine removes an image's nameless parents with it.
func Sweep(ctx context.Context, e *engine.Engine, filters ...string) (images int, err error) {
	words := append([]string{"image", "ls", "-q", "--no-trunc", "--filter", "dangling=true"}, filters...)
	left, err := e.Output(ctx, append(words, "--filter", "label="+engine.LabelMade+"="+madeStage)...)
	for _, id := range strings.Fields(left) {
		if _, err := e.Output(ctx, "image", "rm", id); err == nil {
			images++
		}
	}
	return images, err
}

// settle sweeps after a build was cut off. The engine may finish an instruction
// after that, so it sweeps until nothing more has come for a while. It has its
// own time, as the context has ended.
func (c *cache) settle(ctx context.Context, e *engine.Engine) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second)
	defer cancel()
	for quiet := 0; quiet < 6 && ctx.Err() == nil; quiet++ {
		if c.sweep(ctx, e) > 0 {
			quiet = 0
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// Labels of a stand-in, and of what its build makes on its way, besides engine.LabelMade.
const (
	LabelRecipe  = "optimizing-dockerfile.recipe"  // the recipe's digest
	labelRebuild = "optimizing-dockerfile.rebuild" // the cache that it was built from
	madeStage    = "base-stage"                    // the value of engine.LabelMade on the way
)
