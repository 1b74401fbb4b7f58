package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/enginetest"
)

const standIn = "optimizing-dockerfile/base:golang-1.15.7-alpine3.13"

// guest is the program on a daemon of the test's own, with a cache of its own.
type guest struct {
	*enginetest.Own
	cache string
}

func newGuest(t *testing.T) guest {
	t.Helper()
	enginetest.Engine(t)
	if out, err := program(t, "base").CombinedOutput(); err != nil {
		t.Fatalf("no base: %v\n%s", err, out)
	}
	g := guest{enginetest.OwnDaemon(t), filepath.Join(t.TempDir(), "cache")}
	g.Load(t, standIn)
	return g
}

func (g guest) program(t *testing.T, args ...string) *exec.Cmd {
	self := program(t)
	command := g.Command(self.Path, args...)
	command.Dir = self.Dir
	command.Env = append(command.Env, asProgram+"=1", "OPTIMIZING_DOCKERFILE_CACHE="+g.cache)
	return command
}

// run runs the program and returns what it printed, or fails the test.
func (g guest) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := g.program(t, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// containers are all that the daemon has, whatever their labels.
func (g guest) containers(t *testing.T) string {
	return g.Docker(t, "ps", "--all", "--no-trunc", "--format", "{{.Names}} {{.Status}} {{.Command}}")
}

func (g guest) images(t *testing.T) []string {
	all := strings.Fields(g.Docker(t, "images", "--all", "--quiet", "--no-trunc"))
	slices.Sort(all) // one of two names is listed twice
	return slices.Compact(all)
}

// The program on a daemon of its own: it is a good guest there.
func TestAGoodGuest(t *testing.T) {
	g := newGuest(t)
	t.Run("only ours is touched", func(t *testing.T) { onlyOursIsTouched(t, g) })
	g.Load(t, standIn) // clean has removed it
	t.Run("nothing is left running", func(t *testing.T) { nothingIsLeftRunning(t, g) })
}

// What is the user's stays as it is, and does not disturb a run; clean takes away
// exactly what the tool made.
func onlyOursIsTouched(t *testing.T, g guest) {
	g.Docker(t, "tag", standIn, "base-of-mine") // an image of the user's, from our base, by the article's name
	g.Docker(t, "build", "--quiet", "--build-arg", "GO_IMAGE=base-of-mine", "--tag", "echo", "../steps/01-single-stage")
	g.Docker(t, "run", "--detach", "--name", "echo", "--publish", "8080:8080", "echo")
	mine := g.images(t)
	container := g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo")

	out := g.run(t, "run", "2", "4")
	assert.Contains(t, out, "All as in the article")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Equal(t, "echo", g.Docker(t, "ps", "--all", "--format", "{{.Names}}"), "the user's container alone")
	assert.Subset(t, g.images(t), mine)

	g.Docker(t, "tag", "optimizing-dockerfile:04-cgo-disabled", "echo:small") // and one of ours that the user named
	out = g.run(t, "clean")
	assert.Contains(t, out, "build cache stays")
	names := g.Docker(t, "images", "--format", "{{.Repository}}:{{.Tag}}")
	assert.Contains(t, names, "echo:small")
	assert.NotContains(t, names, "optimizing-dockerfile")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Subset(t, g.images(t), mine)

	g.Docker(t, "rmi", "--no-prune", "echo:small") // what was ours, and under it, goes as soon as it may
	g.run(t, "clean")
	assert.ElementsMatch(t, mine, g.images(t), "all that is left is the user's")
	assert.NoDirExists(t, g.cache)
	g.Docker(t, "rm", "--force", "echo")
}

// After Ctrl-C, at whatever moment, nothing of ours is left within 5 seconds;
// after kill -9 the next run sweeps.
func nothingIsLeftRunning(t *testing.T, g guest) {
	for i, after := range []time.Duration{300, 2000, 5000} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			t.Run(fmt.Sprintf("%v after %d ms", signal, after), func(t *testing.T) {
				// Each time another app, so that there is something to compile.
				dir := stepsWith(t, "04", "main.go", func(text string) string {
					return fmt.Sprintf("%s\n// %d %v\n", text, i, signal)
				})
				command := g.program(t, "run", "all", "--steps", dir)
				var out bytes.Buffer
				command.Stdout, command.Stderr = &out, &out
				require.NoError(t, command.Start())
				time.Sleep(after * time.Millisecond)
				began := time.Now()
				command.Process.Signal(signal)
				command.Wait()
				if signal == syscall.SIGKILL {
					next := g.program(t, "run", "2", "--base", "optimizing-dockerfile/none:of-this-name")
					next.Run()
					assert.Equal(t, exitEnvironment, next.ProcessState.ExitCode(), "it ends before it builds, but not before it sweeps")
				}
				// The daemon takes a moment to end a build whose client is gone.
				for g.containers(t) != "" && time.Since(began) < 5*time.Second {
					time.Sleep(100 * time.Millisecond)
				}
				assert.Empty(t, g.containers(t), "%s", out.String())
			})
		}
	}
}
