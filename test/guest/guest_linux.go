// Package guest gives tests the program on a docker daemon of its own.
package guest

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// StandIn is the image of the article's base where it could not be pulled.
const StandIn = "optimizing-dockerfile/base:golang-1.15.7-alpine3.13"

// Base sees to it that the machine's engine has the article's base as it can be carried
// to where there is no network, under the stand-in's name, and gives that.
func Base(t *testing.T) string {
	t.Helper()
	catalog, err := base.Load(filepath.Join(tool.Root(), "bases"))
	require.NoError(t, err)
	ready, err := base.Portable(t.Context(), engines.Here(t), catalog[0], tell.NewTerminal(t.Output()))
	require.NoError(t, err)
	return ready.Image
}

// Guest is the program on a daemon of the test's own, with a cache of its own.
type Guest struct {
	*engines.Own
	Cache string
	Warm  time.Duration // what a run takes that has nothing to compile
}

// New gives one.
func New(t *testing.T) Guest { return In(t, "") }

// In is New with the daemon's images and containers in a folder of the test's.
func In(t *testing.T, data string) Guest {
	t.Helper()
	engines.Engine(t)
	carried := Base(t)
	g := Guest{Own: engines.OwnDaemonIn(t, data), Cache: filepath.Join(t.TempDir(), "cache")}
	g.Load(t, carried)
	return g
}

// Program is the program beside the daemon.
func (g Guest) Program(t *testing.T, args ...string) *exec.Cmd {
	self := tool.Program(t)
	command := g.Command(self.Path, args...)
	command.Dir = self.Dir
	command.Env = append(command.Env, "OPTIMIZING_DOCKERFILE_CACHE="+g.Cache)
	return command
}

// Run runs the program and returns what it printed, or fails the test.
func (g Guest) Run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := g.Program(t, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// Images gives the IDs of all images in the daemon.
func (g Guest) Images(t *testing.T) []string {
	all := strings.Fields(g.Docker(t, "images", "--all", "--quiet", "--no-trunc"))
	slices.Sort(all) // one of two names is listed twice
	return slices.Compact(all)
}
