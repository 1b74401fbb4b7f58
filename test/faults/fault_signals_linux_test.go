package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
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
	repo := copied(t)
	was := contents(t, repo)

	all := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}
	ended := 0
	for i := range moments {
		signal := all[i%len(all)]
		args, longest := []string{"run", "all"}, g.Warm
		if chance.IntN(3) == 0 {
			args, longest = append(args, "--steps", anotherApp(t)), 3*g.Warm
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
		require.Equal(t, was, contents(t, repo), "no file came, went, or is half-written")
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

// held is what a process holds on to.
type held struct {
	goroutines, descriptors, children int
	heap                              uint64
}

func holds(t *testing.T) held {
	runtime.GC()
	runtime.GC() // finalizers run after the first
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	descriptors, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	children := 0 // a child belongs to the thread that started it
	threads, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		children += len(strings.Fields(string(text)))
	}
	return held{runtime.NumGoroutine(), len(descriptors), children, memory.HeapAlloc}
}

// One process that runs steps over and over, as `learn` and a bench do, holds on
// to nothing: no goroutine, no descriptor, no child, no memory, no file.
func TestFaultWarmRunsLeaveNothing(t *testing.T) {
	e := engines.Engine(t)
	runs := 3
	if Wanted() {
		runs = 200
	}
	t.Chdir("../..")
	steps, err := table.Load("steps")
	require.NoError(t, err)
	catalog, err := base.Load("bases")
	require.NoError(t, err)
	ready, err := base.Ensure(t.Context(), e, catalog[0], nil)
	require.NoError(t, err)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	warm := func(i int) {
		step := "2" // the quickest; now and then one that ends at exec, and one that serves
		switch i % 10 {
		case 1:
			step = "3"
		case 2:
			step = "4"
		}
		chosen, ok := table.Find(steps, step)
		require.True(t, ok)
		trial := &run.Trial{Engine: e, Steps: steps, Base: ready.Name, BaseImage: ready.Image, Platform: ready.Platform}
		outcomes, err := trial.Do(t.Context(), []table.Step{chosen})
		require.NoError(t, err)
		require.Equal(t, run.AsExpected, run.Worst(outcomes), outcomes)
	}
	for i := range 3 {
		warm(i)
	}
	before := holds(t)
	began := time.Now()
	for i := range runs {
		warm(i)
	}
	took := time.Since(began)
	after := holds(t)
	for wait := 0; after.goroutines > before.goroutines && wait < 50; wait++ { // one may be on its way out
		time.Sleep(100 * time.Millisecond)
		after = holds(t)
	}
	assert.LessOrEqual(t, after.goroutines, before.goroutines, "goroutines")
	assert.LessOrEqual(t, after.descriptors, before.descriptors, "descriptors")
	assert.LessOrEqual(t, after.children, before.children, "children")
	grown := int64(after.heap) - int64(before.heap)
	assert.Less(t, grown, int64(1<<20), "bytes of the heap")
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left, "temporary files")
	Row(t, "warm runs in one process", "%d runs of %.1f s, goroutines %d and %d, descriptors %d and %d, heap %+d KB, 0 temporary files",
		runs, took.Seconds()/float64(runs), before.goroutines, after.goroutines, before.descriptors, after.descriptors, grown>>10)
}
