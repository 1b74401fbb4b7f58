package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
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

// What goes wrong around the program, on a daemon that the tests may kill. Each
// subtest leaves the daemon as it found it.
func TestFaultsOnADaemonOfItsOwn(t *testing.T) {
	if !Wanted() {
		engines.Long(t)
	}
	g := guest.New(t)
	g.Docker(t, "tag", guest.StandIn, "base-of-mine")
	build := g.Command("docker", "build", "--quiet", "--tag", "echo", "-")
	build.Stdin = strings.NewReader("FROM base-of-mine\nCMD [\"sleep\", \"1000000\"]\n")
	require.NoError(t, build.Run())
	g.Docker(t, "run", "--detach", "--name", "echo", "echo")
	g.Docker(t, "network", "create", "mine")
	g.Run(t, "run", "all")
	began := time.Now()
	g.Run(t, "run", "all")
	g.Warm = time.Since(began)
	t.Run("a crowd", func(t *testing.T) { crowd(t, g) })
	t.Run("the cache's disk", func(t *testing.T) { cacheDisk(t, g) })
	t.Run("the engine gone", func(t *testing.T) { engineGone(t, g) })
	t.Run("the engine gone under a program", func(t *testing.T) { engineStopsUnderAProgram(t, g) })
	t.Run("no network", func(t *testing.T) { noNetwork(t, g) })
	t.Run("signals", func(t *testing.T) { signals(t, g) }) // last: it ends with clean
}

// things are all containers, networks, volumes and the user's images of a daemon:
// before and after they must be the same.
func things(t *testing.T, g guest.Guest) string {
	return strings.Join([]string{
		g.Docker(t, "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Command}}"),
		g.Docker(t, "network", "ls", "--format", "{{.Name}} {{.Driver}}"),
		g.Docker(t, "volume", "ls", "--quiet"),
		g.Docker(t, "image", "inspect", "--format", "{{.Id}}", "echo", "base-of-mine"),
	}, "\n")
}

// copied is a copy of the repo's lessons.
func copied(t *testing.T) string {
	t.Helper()
	repo := t.TempDir()
	for _, dir := range []string{"steps", "bases", "beyond", "docs", "workshop"} {
		require.NoError(t, os.CopyFS(filepath.Join(repo, dir), os.DirFS(filepath.Join("../..", dir))))
	}
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(repo, "README.md"), text, 0o644))
	return repo
}

// anotherApp is a copy of the steps in which there is something to compile.
func anotherApp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../steps")))
	apps, err := filepath.Glob(filepath.Join(dir, "*", "main.go"))
	require.NoError(t, err)
	for _, app := range apps {
		text, err := os.ReadFile(app)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(app, append(text, "\n// "+dir...), 0o644))
	}
	return dir
}

// contents gives the files below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	}))
	return files
}

// crowd has runs go on at once in one engine, warm ones, and ones that compile the
// same new app: all are as expected, and none removes another's things.
func crowd(t *testing.T, g guest.Guest) {
	runs, kinds := 4, []bool{false}
	if Wanted() {
		runs, kinds = 8, []bool{false, true}
	}
	before := things(t, g)
	total, asExpected := 0, 0
	for _, cold := range kinds {
		args, tries := []string{"run", "all", "--json"}, 7
		if cold {
			args, tries = []string{"run", "4", "5", "--json", "--steps", anotherApp(t)}, 2
		}
		commands, outs, errs := make([]*exec.Cmd, runs), make([]bytes.Buffer, runs), make([]bytes.Buffer, runs)
		for i := range runs {
			commands[i] = g.Program(t, args...)
			commands[i].Stdout, commands[i].Stderr = &outs[i], &errs[i]
			require.NoError(t, commands[i].Start())
		}
		for i, command := range commands {
			command.Wait()
			total++
			var doc record.Run
			if assert.NoError(t, json.Unmarshal(outs[i].Bytes(), &doc), "%s", &errs[i]) &&
				assert.Equal(t, run.AsExpected, doc.Verdict, "cold: %v, %s %v", cold, doc.Reason, tool.Reasons(doc)) &&
				assert.Len(t, doc.Steps, tries) && assert.Zero(t, command.ProcessState.ExitCode()) {
				asExpected++
			}
		}
		require.Equal(t, before, things(t, g))
	}
	Row(t, fmt.Sprintf("%d runs at once", runs), "%d runs warm, %d compiling, %d as expected; left over 0", runs, total-runs, asExpected)
}

// The engine's disk is full: from the first build on, then when all is built, and,
// where there is time, at random moments. The step is never at fault, nor is a
// failure that is expected taken for seen, and the words are about the disk.
func TestFaultEngineDiskFull(t *testing.T) {
	disk := engines.Disk(t, 1200<<20)
	g := guest.In(t, filepath.Join(disk, "data"))
	chance := Random(t)
	tried, wrong, answer := 0, 0, ""
	full := func(name string, args ...string) {
		tried++
		doc, code := document(t, g, args...)
		says := doc.Reason + "\n" + strings.Join(tool.Reasons(doc), "\n")
		answer = Said(code, says, "space")
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
	Row(t, "the engine's disk full", "%d runs, %d of them at random moments; wrong verdicts %d, left over 0%s", tried, moments, wrong, answer)
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
	tried, wrong, answer := 0, 0, ""
	for name, dir := range map[string]string{"full": full, "read-only": readOnly, "a file": file, "impossible": "/proc/nowhere"} {
		for _, c := range []struct {
			args   []string
			status int
			says   string
		}{
			{[]string{"run", "2", "3"}, tool.Expected, "All as in the article"},
			{[]string{"dev", "base", "today-alpine"}, tool.Environment, dir},
		} {
			g.Cache = dir
			command := g.Program(t, c.args...)
			out, _ := command.CombinedOutput()
			tried++
			if !assert.Equal(t, c.status, command.ProcessState.ExitCode(), "%s: %v: %s", name, c.args, out) ||
				!assert.Contains(t, string(out), c.says) {
				wrong++
			}
			t.Logf("%s: %v: %s", name, c.args, out)
			if c.status == tool.Environment {
				answer = Said(c.status, string(out), dir)
			}
		}
	}
	Row(t, "the cache's disk full, read-only, no folder", "%d runs; wrong verdicts %d%s", tried, wrong, answer)
}
