package faults

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/engines"
)

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
	ready, err := base.Ensure(t.Context(), e, catalog.All()[0], nil)
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
		trial := &run.Trial{Engine: e, Steps: steps, Base: ready.ID, Image: ready.Image, Platform: ready.Platform}
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
