// Package tool gives tests this repo's program, compiled as readers have it, in a
// process of its own.
package tool

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
)

// Exit statuses, as the command line's contract has them.
const (
	Expected    = 0
	Unexpected  = 1
	Usage       = 2
	Environment = 3
)

// Root is the repo's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// compiled compiles the program once for all tests of a package.
var compiled = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "od-tool-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "steps")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	words := append(append([]string{"build"}, raceFlag...), "-o", path, "./scripts")
	build := exec.Command("go", words...)
	build.Dir = Root()
	out, err := build.CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return path, err
})

// Path is where the program lies, compiled.
func Path(t testing.TB) string {
	t.Helper()
	path, err := compiled()
	require.NoError(t, err)
	return path
}

// Remove takes the compiled program away again, if any test has asked for it.
func Remove() {
	if path, err := compiled(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
}

// Program is the program in a process of its own, at the repo's root.
func Program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(Path(t), args...)
	command.Dir = Root()
	command.Env = os.Environ()
	return command
}

// Run runs the program at the repo's root, or in dir, and returns all that it did.
func Run(t testing.TB, dir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, complaint bytes.Buffer
	command := Program(t, args...)
	if dir != "" {
		command.Dir = dir
	}
	command.Stdout, command.Stderr = &out, &complaint
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String(), complaint.String()
}

// Document runs steps with --json and reads what the program printed.
func Document(t testing.TB, args ...string) (doc record.Run, code int) {
	t.Helper()
	return DocumentOf(t, Program(t, append([]string{"run", "--json"}, args...)...))
}

// DocumentOf runs a command and reads what it printed: one document, nothing else.
func DocumentOf(t testing.TB, command *exec.Cmd) (doc record.Run, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&stdout)
	require.NoError(t, decoder.Decode(&doc), "stderr: %s", stderr.String())
	rest, _ := io.ReadAll(io.MultiReader(decoder.Buffered(), &stdout))
	assert.Empty(t, strings.TrimSpace(string(rest)), "one document, and nothing else")
	return doc, command.ProcessState.ExitCode()
}

// Reasons gives the reasons of all steps' verdicts.
func Reasons(doc record.Run) (all []string) {
	for _, o := range doc.Steps {
		for _, reason := range o.Reasons {
			all = append(all, o.Step+": "+reason)
		}
	}
	return all
}

// StepsWith copies the steps to a folder of the test's own, with one file of one step changed.
func StepsWith(t testing.TB, step, file string, mutate func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(Root(), "steps"))))
	folders, err := filepath.Glob(filepath.Join(dir, step+"-*"))
	require.NoError(t, err)
	path := filepath.Join(folders[0], file)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(mutate(string(text))), 0o644))
	return dir
}
