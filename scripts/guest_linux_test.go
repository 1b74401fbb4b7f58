package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	warm  time.Duration // what a run takes that has nothing to compile
}

func newGuest(t *testing.T) guest { return newGuestIn(t, "") }

// newGuestIn is newGuest with the daemon's images and containers in a folder of the test's.
func newGuestIn(t *testing.T, data string) guest {
	t.Helper()
	enginetest.Engine(t)
	if out, err := program(t, "base").CombinedOutput(); err != nil {
		t.Fatalf("no base: %v\n%s", err, out)
	}
	g := guest{Own: enginetest.OwnDaemonIn(t, data), cache: filepath.Join(t.TempDir(), "cache")}
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

func (g guest) images(t *testing.T) []string {
	all := strings.Fields(g.Docker(t, "images", "--all", "--quiet", "--no-trunc"))
	slices.Sort(all) // one of two names is listed twice
	return slices.Compact(all)
}

// The program on a daemon of its own: it is a good guest there.
func TestAGoodGuest(t *testing.T) {
	g := newGuest(t)
	onlyOursIsTouched(t, g)
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
