package main

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/enginetest"
)

// signals ends runs at random moments: warm ones, ones that compile, and ones that
// record. Within 5 seconds, of kill -9 after the next run, nothing of ours is left
// but what `clean` knows of; the user's things stay, and no file is half-written.
func signals(t *testing.T, g guest) {
	moments := 3
	if enginetest.WantsFaults() {
		moments = 50
	}
	chance := enginetest.Random(t)
	before, images := g.things(t), g.images(t)
	repo := g.recorded(t)
	was := contents(t, repo)

	all := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}
	ended := 0
	for i := range moments {
		signal := all[i%len(all)]
		args, longest := []string{"run", "all"}, g.warm
		switch chance.IntN(3) {
		case 0:
			args, longest = append(args, "--steps", anotherApp(t)), 3*g.warm
		case 1:
			args = append(args, "--record", "--accept")
		}
		after := time.Duration(chance.Int64N(int64(longest)))
		command := g.program(t, args...)
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
			next := g.program(t, "run", "2", "--base", "optimizing-dockerfile/none:of-this-name")
			next.Run()
			require.Equal(t, exitEnvironment, next.ProcessState.ExitCode(), "it ends before it builds, but not before it sweeps")
		}
		// The daemon takes a moment to end a build whose client is gone.
		for g.things(t) != before && time.Since(began) < 5*time.Second {
			time.Sleep(100 * time.Millisecond)
		}
		require.Equal(t, before, g.things(t), "%v after %v of %v: %s", signal, after, args, out.String())
		unharmed(t, was, contents(t, repo))
		t.Logf("%v after %v of %v, all gone within %v", signal, after, args[1:], time.Since(began))
	}
	g.run(t, "clean")
	g.Docker(t, "tag", "base-of-mine", standIn) // clean took its name
	left := g.unknownTo(t, images)
	assert.LessOrEqual(t, left, ended, "%s", g.Docker(t, "images", "--all"))
	enginetest.Fault(t, "SIGINT, SIGTERM, SIGKILL at random moments",
		"%d moments, %d of them within the run; left over 0, half-written 0; commits under way that no ledger knows %d", moments, ended, left)
}

// unknownTo counts the images that came since and that `clean` left, but for those
// that others rest on. The legacy builder commits what it is at when its client
// is gone: of such an image nobody was told the ID, so a moment may leave one.
func (g guest) unknownTo(t *testing.T, before []string) int {
	t.Helper()
	came, parents := []string{}, map[string]bool{}
	for _, id := range g.images(t) {
		parents[g.Docker(t, "image", "inspect", "--format", "{{.Parent}}", id)] = true
		if !slices.Contains(before, id) {
			came = append(came, id)
		}
	}
	return len(slices.DeleteFunc(came, func(id string) bool { return parents[id] }))
}
