//go:build unix

package faults

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// The engine's program in strange surroundings. The verdict stays what it is; or,
// where its answers cannot be understood any more, it is the environment's. The
// program is the real one, behind a script that adds what others have seen.
func TestFaultStrangeSurroundings(t *testing.T) {
	e := engines.Engine(t)
	real, err := exec.LookPath(e.Name)
	require.NoError(t, err)
	broken, unreadable := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "config.json"), []byte(`{"auths": {`), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(unreadable, "config.json"), 0o755))

	tried, wrong, answer := 0, 0, ""
	for name, c := range map[string]struct {
		variable string
		want     string
		says     string
	}{
		"a docker config that is no JSON":         {"DOCKER_CONFIG=" + broken, run.AsExpected, ""},
		"a docker config that is a folder":        {"DOCKER_CONFIG=" + unreadable, run.AsExpected, ""},
		"no folder for the docker config":         {"DOCKER_CONFIG=/nowhere/at/all", run.AsExpected, ""},
		"German":                                  {"LANG=de_DE.UTF-8", run.AsExpected, ""},
		"Turkish, by the strongest variable":      {"LC_ALL=tr_TR.UTF-8", run.AsExpected, ""},
		"Japanese first, by the list":             {"LANGUAGE=ja:de", run.AsExpected, ""},
		"warnings before":                         {instead(t, e.Name, "echo 'WARNING: your licence expires' >&2\nexec "+real+" \"$@\"\n"), run.AsExpected, ""},
		"warnings after":                          {instead(t, e.Name, real+" \"$@\"\ns=$?\necho 'View build details: docker-desktop://dashboard' >&2\nexit $s\n"), run.AsExpected, ""},
		"warnings among the answers":              {instead(t, e.Name, "echo 'Emulate Docker CLI using podman.'\nexec "+real+" \"$@\"\n"), run.Environment, "printed what"},
		"a program that says nothing and fails":   {instead(t, e.Name, "exit 1\n"), run.Environment, "does not answer"},
		"a program that says nothing and is fine": {instead(t, e.Name, "exit 0\n"), run.Environment, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"run", "--json", "2", "4"} // 4 has a log that is compared
			if Wanted() {
				args = append(args, "3", "6")
			}
			command := tool.Program(t, args...)
			command.Env = append(command.Env, "CONTAINER_ENGINE="+e.Name, c.variable) // by name: a podman beside it would take its place
			doc, code := tool.DocumentOf(t, command)
			if tried++; c.says != "" {
				answer = Said(code, doc.Reason, c.says)
			}
			if !assert.Equal(t, c.want, doc.Verdict, "%s %v", doc.Reason, tool.Reasons(doc)) {
				wrong++
			}
			assert.Contains(t, doc.Reason, c.says)
			want := map[string]int{run.AsExpected: tool.Expected, run.Environment: tool.Environment}[c.want]
			assert.Equal(t, want, code)
		})
	}

	// A failure keeps its cause, whatever is said after it.
	for name, variable := range map[string]string{
		"quiet":          "X=",
		"warnings after": instead(t, e.Name, real+" \"$@\"\ns=$?\necho 'View build details: docker-desktop://dashboard' >&2\nexit $s\n"),
	} {
		t.Run("a build that fails, "+name, func(t *testing.T) {
			command := tool.Program(t, "run", "3", "--json", "--steps", tool.StepsWith(t, "03", "Dockerfile", func(string) string {
				return "ARG GO_IMAGE\nFROM ${GO_IMAGE}\nRUN no-such-command\n"
			}))
			command.Env = append(command.Env, variable)
			doc, _ := tool.DocumentOf(t, command)
			tried++
			if !assert.Contains(t, strings.Join(tool.Reasons(doc), "\n"), "command-not-found (RUN no-such-command)") {
				wrong++
			}
		})
	}
	Row(t, "a broken Docker config, warnings, other locales", "%d runs; wrong verdicts %d%s", tried, wrong, answer)
}

// A port that is taken between choice and use must not pass for a step's own
// failure. The moment cannot be had at will, so a wrapper around the real engine's
// program swaps port 8080 for one that is taken: the refusal itself is real.
func TestFaultPortTakenInBetweenIsNotTheStepsFailure(t *testing.T) {
	e := engines.Engine(t)
	real, err := exec.LookPath(e.Name)
	require.NoError(t, err)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()

	swapping := func(step string) *exec.Cmd {
		command := tool.Program(t, "run", step, "--json")
		command.Env = append(command.Env, instead(t, e.Name, "for a; do\n\tshift\n\t[ \"$a\" = 127.0.0.1:8080:8080 ] && a="+taken.Addr().String()+":8080\n"+
			"\tset -- \"$@\" \"$a\"\ndone\nexec "+real+" \"$@\"\n"))
		return command
	}
	doc, code := tool.DocumentOf(t, swapping("2"))
	require.Equal(t, tool.Expected, code, "%s %v", doc.Reason, tool.Reasons(doc))
	assert.Contains(t, doc.Steps[0].Message, "/bin/sh", "the engine's words about the image, not about the port")
	assert.Equal(t, 127, *doc.Steps[0].ExitCode)

	runs, code := tool.DocumentOf(t, swapping("1"))
	require.Equal(t, tool.Expected, code, "%s %v", runs.Reason, tool.Reasons(runs))
	assert.Empty(t, runs.Steps[0].Libc, "what is noted of a large image that runs does not depend on who had the port")
	assert.Empty(t, runs.Steps[0].Proof)
	Row(t, "a port taken between choice and use", "2 runs, both steps tried on another port; wrong verdicts 0%s",
		Said(code, doc.Steps[0].Message, "/bin/sh"))
}

// An engine that starts nothing has still built: each image is weighed, and none is said to be missing.
func TestFaultNoContainerStarts(t *testing.T) {
	e := engines.Engine(t)
	real, err := exec.LookPath(e.Name)
	require.NoError(t, err)
	command := tool.Program(t, "run", "4", "5", "--json")
	command.Env = append(command.Env,
		instead(t, e.Name, "[ \"$1\" = run ] && echo 'no space left on device' >&2 && exit 125\nexec "+real+" \"$@\"\n"))
	doc, code := tool.DocumentOf(t, command)
	require.Equal(t, tool.Environment, code, "%s %v", doc.Reason, tool.Reasons(doc))
	require.Len(t, doc.Steps, 2)
	for _, o := range doc.Steps {
		assert.Contains(t, o.Why(), "the engine's disk is full", o.Step)
		require.NotNil(t, o.Image, o.Step)
		assert.Positive(t, o.Image.Bytes, o.Step)
	}
}

// instead gives a PATH, as NAME=VALUE, on which a shell script stands in for a program.
func instead(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755))
	return "PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")
}

// A pipe, a device: none of them has an end, and none is read.
func TestWhatIsNoFileIsNotWaitedFor(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	dir := t.TempDir()
	pipe, device := filepath.Join(dir, "pipe"), filepath.Join(dir, "device")
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "Dockerfile"), 0o600))
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink("/dev/zero", device))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"check", dir}, "no regular file"},
		{[]string{"check", device}, "no regular file"},
		{[]string{"serve", pipe}, "not a regular file"},
		{[]string{"doctor", pipe}, "not a regular file"},
		{[]string{"doctor", device}, "not a regular file"},
	} {
		status, _, complaint := tool.Run(t, "", c.args...)
		assert.NotZero(t, status, c.args)
		assert.Contains(t, complaint, c.says, c.args)
	}
}

// A folder that is there is no image of an engine's.
func TestAFolderThatIsNoLayout(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "x/y/dd"), 0o755))
	for _, ref := range []string{"x/y/dd", "./x/y/dd", "x"} {
		status, _, complaint := tool.Run(t, dir, "doctor", ref)
		assert.Equal(t, tool.Environment, status, ref)
		assert.Contains(t, complaint, "it is no OCI layout", ref)
		assert.Contains(t, complaint, "docker save -o", ref)
	}
}

// Whoever closes the terminal under the pasted line leaves nothing behind.
func TestAClosedTerminalLeavesNothing(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) { // as below nohup: what is started here would ignore it, too
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	_, url, _ := tool.Serving(t, 1000)
	home, bin := t.TempDir(), t.TempDir()
	// A download that does not come to its end.
	require.NoError(t, os.WriteFile(filepath.Join(bin, "curl"), []byte("#!/bin/sh\necho here\nexec sleep 60\n"), 0o755))
	for _, shell := range []string{"dash", "bash", "sh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		_, text := raw(t, url, "GET /get.sh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 1<<20)
		assert.Contains(t, string(text), "load --sha256 ")
		command := exec.Command(path, "-c", string(text))
		command.Dir, command.Env = home, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		said, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		_, err = said.Read(make([]byte, 4))
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(-command.Process.Pid, syscall.SIGHUP))
		done := make(chan error, 1)
		go func() { done <- command.Wait() }()
		select {
		case err = <-done:
		case <-time.After(time.Minute):
			t.Fatal("it goes on")
		}
		var exit *exec.ExitError
		assert.True(t, errors.As(err, &exit), shell)
		left, err := filepath.Glob(filepath.Join(home, ".optimizing-dockerfile-*"))
		require.NoError(t, err)
		assert.Empty(t, left, shell)
	}
}
