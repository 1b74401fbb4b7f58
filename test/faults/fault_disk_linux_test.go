package faults

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

// The engine's disk is full: from the first build on, then when all is built, and,
// where there is time, at random moments. The step is never at fault, nor is a
// failure that is expected taken for seen, and the words are about the disk.
func TestFaultEngineDiskFull(t *testing.T) {
	disk := engines.Disk(t, 1200<<20)
	g := guest.In(t, filepath.Join(disk, "data"))
	chance := Random(t)
	tried, wrong := 0, 0
	full := func(name string, args ...string) {
		tried++
		doc, code := document(t, g, args...)
		says := doc.Reason + strings.Join(tool.Reasons(doc), "\n")
		t.Logf("%s: %s, status %d, %s", name, doc.Verdict, code, says)
		held := assert.Equal(t, run.Environment, doc.Verdict, name) && assert.Equal(t, tool.Environment, code) &&
			assert.NotContains(t, verdictsOf(doc), run.Unexpected) && assert.Regexp(t, "disk is full|no space left on device", says)
		if !held {
			wrong++
		}
	}
	empty := fill(t, disk)
	full("nothing built", "all")
	full("one step", "3")
	empty()
	g.Run(t, "run", "all")
	empty = fill(t, disk)
	full("all built", "2")
	full("all built", "all")
	empty()
	moments := 0
	if Wanted() {
		moments = 8
	}
	for range moments {
		tried++
		filled := make(chan func(), 1)
		after := time.Duration(chance.Int64N(int64(8 * time.Second)))
		time.AfterFunc(after, func() { filled <- fill(t, disk) })
		doc, code := document(t, g, "all", "--steps", anotherApp(t))
		(<-filled)()
		t.Logf("after %v: %s, status %d, %s %v", after, doc.Verdict, code, doc.Reason, tool.Reasons(doc))
		if !assert.NotEqual(t, run.Unexpected, doc.Verdict) || !assert.NotContains(t, verdictsOf(doc), run.Unexpected) {
			wrong++
		}
	}
	assert.Contains(t, g.Run(t, "run", "2", "3"), "All as in the article", "when there is room again")
	assert.Empty(t, g.Docker(t, "ps", "--all", "--quiet"))
	Row(t, "the engine's disk full", "%d runs, %d of them at random moments; wrong verdicts %d, left over 0", tried, moments, wrong)
}

// document runs the program with --json on the daemon.
func document(t *testing.T, g guest.Guest, args ...string) (doc record.Run, code int) {
	t.Helper()
	return tool.DocumentOf(t, g.Program(t, append([]string{"run", "--json"}, args...)...))
}

// fill leaves no byte free on a disk, until the function that it returns is called.
func fill(t testing.TB, disk string) (empty func()) {
	path := filepath.Join(disk, "ballast")
	file, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return func() {}
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
	if err := file.Close(); err != nil && err != syscall.ENOSPC {
		t.Error(err)
	}
	return func() { os.Remove(path) }
}

// cacheDisk gives runs a cache whose disk is full, or cannot be written to, or that is
// no folder at all. What needs no download goes on; what does says where it could not.
func cacheDisk(t *testing.T, g guest.Guest) {
	full, readOnly := engines.Disk(t, 1<<20), engines.Disk(t, 1<<20)
	fill(t, full)
	engines.ReadOnly(t, readOnly)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	tried, wrong := 0, 0
	for name, dir := range map[string]string{"full": full, "read-only": readOnly, "a file": file, "impossible": "/proc/nowhere"} {
		for _, c := range []struct {
			args   []string
			status int
			says   string
		}{
			{[]string{"run", "2", "3"}, tool.Expected, "All as in the article"},
			{[]string{"base", "today-alpine"}, tool.Environment, dir},
		} {
			g.Cache = dir
			command := g.Program(t, c.args...)
			out, _ := command.CombinedOutput()
			tried++
			if !assert.Equal(t, c.status, command.ProcessState.ExitCode(), "%s: %v: %s", name, c.args, out) || !assert.Contains(t, string(out), c.says) {
				wrong++
			}
			t.Logf("%s: %v: %s", name, c.args, out)
		}
	}
	Row(t, "the cache's disk full, read-only, no folder", "%d runs; wrong verdicts %d", tried, wrong)
}
