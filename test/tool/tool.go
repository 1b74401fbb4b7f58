// Package tool gives tests this repo's program, compiled as readers have it, in a
// process of its own.
package tool

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
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
	build := exec.Command("go", "build", "-race="+raced(), "-o", path, "./scripts")
	build.Dir = Root()
	out, err := build.CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return path, err
})

// raced says whether the tests themselves are compiled with -race: then the program is, too.
func raced() string {
	info, _ := debug.ReadBuildInfo()
	for _, setting := range info.Settings {
		if setting.Key == "-race" {
			return setting.Value
		}
	}
	return "false"
}

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
	command := Program(t, args...)
	command.Dir = cmp.Or(dir, command.Dir)
	return ended(t, command)
}

// ended runs a command, whatever its exit status.
func ended(t testing.TB, command *exec.Cmd) (status int, stdout, stderr string) {
	t.Helper()
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); command.ProcessState == nil {
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
	code, stdout, stderr := ended(t, command)
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc), "stderr: %s", stderr) // more than one document is an error
	return doc, code
}

// Reasons gives the reasons of all steps' verdicts.
func Reasons(doc record.Run) (all []string) {
	for _, o := range doc.Steps {
		for _, reason := range o.Reasons {
			all = append(all, o.Step+": "+reason.String())
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

// Megabyte is that many bytes.
const Megabyte = 1_000_000

// Serving starts `steps serve` on a bundle of some size; the process is the real one.
func Serving(t *testing.T, bytes int64) (file, url string, server *exec.Cmd) {
	file = filepath.Join(t.TempDir(), "optimizing-dockerfile.tar")
	out, err := os.Create(file)
	require.NoError(t, err)
	noise := make([]byte, bytes)
	rand.Read(noise)
	program := bundle.Tool{OS: "linux", Arch: "amd64", File: "bin/steps-linux-amd64"}
	image := bundle.Base{ID: "article", Image: "optimizing-dockerfile/base:1", Arch: "amd64", File: "images/article-amd64.tar.gz"}
	require.NoError(t, bundle.Write(out, bundle.Manifest{Tools: []bundle.Tool{program}, Bases: []bundle.Base{image}}, []bundle.File{
		bundle.InMemory(program.File, []byte("the tool")), bundle.InMemory(image.File, noise),
	}))
	require.NoError(t, out.Close())

	server = Program(t, "serve", file, "--addr", "127.0.0.1:0")
	return file, Address(t, server), server
}

// Address starts `serve` and returns the URL that it names.
func Address(t *testing.T, server *exec.Cmd) string {
	server.Stderr = os.Stderr
	said, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	named := regexp.MustCompile(`^ +(http://127\.0\.0\.1:\d+)$`)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if m := named.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, said)
			return m[1]
		}
	}
	t.Fatal("serve named no address")
	return ""
}

// PeakMemory is the most that a process ever had in memory at once.
func PeakMemory(t *testing.T, pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	require.NotNil(t, m)
	kilobytes, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(t, err)
	return kilobytes * 1024
}

// Main runs the tests of a package that makes things in the machine's engine, and
// takes them away after it: all images that the ledger names and that were not there
// before. What is no test's stays: the base, with its downloads.
func Main(m *testing.M) int {
	defer Remove()
	ctx := context.Background()
	e, err := engine.Find(ctx)
	if err != nil {
		return m.Run()
	}
	catalog, err := base.Load(filepath.Join(Root(), "bases"))
	if err == nil { // before the cache is another: its downloads are the user's
		_, err = base.Ensure(ctx, e, catalog[0], tell.NewTerminal(os.Stderr))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	before, _ := e.Output(ctx, "images", "--all", "--quiet", "--no-trunc")
	cache, err := os.MkdirTemp("", "od-cache-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(cache)
	os.Setenv(program.CacheVariable, cache)
	status := m.Run()
	tidy(ctx, e, strings.Fields(before), filepath.Join(cache, engine.LedgerFile))
	return status
}

// tidy removes what a ledger lists, the newest first, as later images rest on earlier
// ones. Names go one by one: an image with a name of somebody else's stays.
func tidy(ctx context.Context, e *engine.Engine, before []string, ledger string) {
	text, _ := os.ReadFile(ledger)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range slices.Backward(lines) {
		fields := strings.Fields(line) // engine, kind, ID, owner, since
		if len(fields) != 5 || fields[1] != "image" || fields[0] != e.Key() {
			continue
		}
		image, err := e.FindImage(ctx, fields[2])
		if err != nil || image == nil || slices.Contains(before, image.ID) {
			continue
		}
		for _, tag := range image.Tags {
			if strings.HasPrefix(strings.TrimPrefix(tag, "localhost/"), engine.Repository) {
				e.Output(ctx, "rmi", "--no-prune", tag)
			}
		}
		e.Output(ctx, "rmi", "--no-prune", image.ID)
	}
}
