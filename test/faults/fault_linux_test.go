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

// recorded is a copy of the repo with the records of a run on this daemon.
func recorded(t *testing.T, g guest.Guest) string {
	t.Helper()
	repo := t.TempDir()
	for _, dir := range []string{"steps", "bases", "beyond", "docs", "workshop"} {
		require.NoError(t, os.CopyFS(filepath.Join(repo, dir), os.DirFS(filepath.Join("../..", dir))))
	}
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(repo, "README.md"), text, 0o644))
	record := g.Program(t, "dev", "record", "--accept")
	record.Dir = repo
	out, err := record.CombinedOutput()
	require.NoError(t, err, "%s", out)
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

// unharmed says that no file came, went, or is half-written: a record, which has
// seconds in it, is whole; of all else the new bytes are the old ones.
func unharmed(t *testing.T, was, is map[string]string) {
	t.Helper()
	for path, text := range is {
		if strings.HasSuffix(path, ".json") {
			require.True(t, json.Valid([]byte(text)), "%s is half-written", path)
			is[path] = was[path]
		}
	}
	assert.Equal(t, was, is)
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
