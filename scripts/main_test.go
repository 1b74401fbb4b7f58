package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/classroom/learn"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"steps": main})
}

// TestCommandLine holds the command line to its contract: what is printed where,
// and the exit status. Nothing here needs an engine.
func TestCommandLine(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPO", root)
			env.Setenv("ONLY_STEPS", filepath.SplitList(env.Getenv("PATH"))[0]) // a PATH with no other program
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status_},
	})
}

// status_ is the scripts' command `status N PROGRAM ARGS…`: it runs the program and checks its exit status.
func status_(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, not %d", got, want)
	}
}

// Who has typed no message yet can leave.
func TestAMessageIsNotWaitedFor(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	silent, _, err := os.Pipe()
	require.NoError(t, err)
	defer silent.Close()
	verb := doctorCommand()
	verb.SetArgs([]string{"--message", "-"})
	verb.SetIn(silent)
	stop()
	assert.ErrorIs(t, verb.ExecuteContext(stopped), context.Canceled)
}

// Of a run that was to leave its containers there, nobody may say that none is left.
func TestAStoppedRunSaysWhatIsLeft(t *testing.T) {
	engines.Scripted(t, `echo '{"ServerVersion":"29.0.0"}'`)
	t.Chdir("..")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for flag, left := range map[string]string{
		"--keep":       "stopped; what --keep has left is there until go run ./scripts clean\n",
		"--keep=false": "stopped; nothing of ours is left running\n",
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitEnvironment, execute(stopped, []string{"run", "3", flag}, &stdout, &stderr))
		assert.Contains(t, stderr.String(), left, flag)
	}
}

// What a program of the tests says, such as why a measurement has failed, is said.
func TestAProgramOfTheTestsIsHeard(t *testing.T) {
	t.Chdir("..")
	var stderr bytes.Buffer
	verb := testProgram("bench", "", "./no-such-folder")
	verb.SetErr(&stderr)
	verb.SetArgs(nil)
	require.ErrorIs(t, verb.ExecuteContext(t.Context()), status(exitUnexpected))
	assert.Contains(t, stderr.String(), "no-such-folder")
}

// full is a disk without a free byte.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// What could not be written is the environment's fault, whichever verb wrote it.
func TestAFullDiskIsNeverASuccess(t *testing.T) {
	good := filepath.Join(t.TempDir(), "image.tar")
	file, err := os.Create(good)
	require.NoError(t, err)
	require.NoError(t, corpus.Save(file, map[string]corpus.Spec{"x:latest": {Entrypoint: []string{"/none"}}}, nil))
	require.NoError(t, file.Close())
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	for _, args := range [][]string{{"diff", "3"}, {"--help"}, {"run", "--help"}, {"doctor", good}, {"check", "workshop/start"}} {
		t.Chdir("..")
		var complaint strings.Builder
		assert.Equal(t, exitEnvironment, execute(context.Background(), args, full{}, &complaint), args)
		assert.Contains(t, complaint.String(), "no space left", args)
		t.Chdir("scripts")
	}
}

// An error may speak of megabytes; a screen is not for them.
func TestAComplaintHasAnEnd(t *testing.T) {
	var said strings.Builder
	complain(&said, strings.Repeat("x", 1<<20))
	assert.Less(t, said.Len(), 2*longest)
}

// BUILDX_BUILDER is as good as --builder, which goes before it: a builder that cannot
// see the engine's images gets the base handed over.
func TestTheBuilderOfTheEnvironmentBuilds(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "saved.tar")
	require.NoError(t, tarball.WriteToFile(saved, name.MustParseReference("base:1"), empty.Image))
	for _, c := range []struct{ option, variable, plugins, want string }{
		{"", "", `{"Name":"buildx"}`, ""},
		{"", "apart", `{"Name":"buildx"}`, "apart"},
		{"apart", "of-no-use", `{"Name":"buildx"}`, "apart"},
		{"", "apart", ``, ""}, // the legacy builder knows no others
	} {
		t.Setenv("DOCKER_BUILDKIT", "")
		t.Setenv("BUILDX_BUILDER", c.variable)
		e := engines.Scripted(t, `case "$*" in
info*) echo '{"ServerVersion":"29.0.0","ClientInfo":{"Version":"29.0.0","Plugins":[`+c.plugins+`]}}' ;;
"buildx inspect apart") echo "Driver: docker-container" ;;
"save --output "*) /bin/cp `+saved+` "$3" ;;
*) exit 1 ;;
esac
`)
		given, dir, err := runOptions{builder: c.option}.handOver(t.Context(), e, "base:1", nil)
		require.NoError(t, err)
		assert.Equal(t, c.want, e.Using)
		if c.want == "" {
			assert.Empty(t, given)
		} else if assert.Len(t, given, 1) {
			assert.True(t, strings.HasPrefix(given[0], "base:1="), given[0])
		}
		os.RemoveAll(dir)
		if c.plugins != "" {
			assert.Equal(t, engine.BuildKit, e.Builder)
		}
	}
}

// A relative path means the folder that one is in, also for a verb that works on the repo around it.
func TestARelativePathMeansTheFolderThatOneIsIn(t *testing.T) {
	t.Chdir("../docs")
	here, err := os.Getwd()
	require.NoError(t, err)
	done := filepath.Join(t.TempDir(), "done.json")
	t.Setenv(program.ProgressVariable, done)
	steps, err := table.Load("../steps")
	require.NoError(t, err)
	progress, err := learn.ReadProgress()
	require.NoError(t, err)
	for _, step := range steps {
		require.NoError(t, progress.Done(step.Name, learn.Score{}))
	}
	relative, err := filepath.Rel(here, done)
	require.NoError(t, err)
	t.Setenv(program.ProgressVariable, relative)
	var out strings.Builder
	assert.Equal(t, exitExpected, execute(t.Context(), []string{"learn"}, &out, &out), out.String())
	assert.Contains(t, out.String(), "You have done all the steps")
	assert.Equal(t, exitExpected, execute(t.Context(), []string{"diff", "3", "--steps", "../steps"}, &out, &out), out.String())
	now, err := os.Getwd()
	require.NoError(t, err)
	assert.Equal(t, here, now)
}
