package faults

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
	"time"

	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signals ends runs at random moments: warm ones, ones that compile, and ones that
// record. Within 5 seconds, of kill -9 after the next run, nothing of ours is left
// but what `clean` knows of; the user's things stay, and no file is half-written.
func signals(t *testing.T, g guest.Guest) {
	moments := 3
	if Wanted() {
		moments = 50
	}
	chance := Random(t)
	before, images := things(t, g), g.Images(t)
	repo := recorded(t, g)
	was := contents(t, repo)

	all := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}
	ended := 0
	for i := range moments {
		signal := all[i%len(all)]
		args, longest := []string{"run", "all"}, g.Warm
		switch chance.IntN(3) {
		case 0:
			args, longest = append(args, "--steps", anotherApp(t)), 3*g.Warm
		case 1:
			args = []string{"dev", "record", "--accept"}
		}
		after := time.Duration(chance.Int64N(int64(longest)))
		command := g.Program(t, args...)
		command.Dir = repo
		var out bytes.Buffer
		command.Stdout, command.Stderr = &out, &out
		require.NoError(t, command.Start())
		time.Sleep(after)
		began := time.Now()
		command.Process.Signal(signal)
		if command.Wait() != nil {
			ended++
		}
		if signal == syscall.SIGKILL {
			next := g.Program(t, "run", "2", "--base", "optimizing-dockerfile/none:of-this-name")
			next.Run()
			require.Equal(t, tool.Environment, next.ProcessState.ExitCode(), "it ends before it builds, but not before it sweeps")
		}
		// The daemon takes a moment to end a build whose client is gone.
		for things(t, g) != before && time.Since(began) < 5*time.Second {
			time.Sleep(100 * time.Millisecond)
		}
		require.Equal(t, before, things(t, g), "%v after %v of %v: %s", signal, after, args, out.String())
		unharmed(t, was, contents(t, repo))
		t.Logf("%v after %v of %v, all gone within %v", signal, after, args[1:], time.Since(began))
	}
	g.Run(t, "clean")
	g.Docker(t, "tag", "base-of-mine", guest.StandIn) // clean took its name
	left := unknownTo(t, g, images)
	assert.LessOrEqual(t, left, ended, "%s", g.Docker(t, "images", "--all"))
	Row(t, "SIGINT, SIGTERM, SIGKILL at random moments",
		"%d moments, %d of them within the run; left over 0, half-written 0; commits under way that no ledger knows %d", moments, ended, left)
}

// unknownTo counts the images that came since and that `clean` left, but for those
// that others rest on. The legacy builder commits what it is at when its client
// is gone: of such an image nobody was told the ID, so a moment may leave one.
func unknownTo(t *testing.T, g guest.Guest, before []string) int {
	t.Helper()
	came, parents := []string{}, map[string]bool{}
	for _, id := range g.Images(t) {
		parents[g.Docker(t, "image", "inspect", "--format", "{{.Parent}}", id)] = true
		if !slices.Contains(before, id) {
			came = append(came, id)
		}
	}
	return len(slices.DeleteFunc(came, func(id string) bool { return parents[id] }))
}
