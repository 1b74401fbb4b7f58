//go:build unix

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// patience is how long the test waits for a text: a base may have to be rebuilt first.
const patience = 10 * time.Minute

// screen is a program in a terminal, with a person in front of it.
type screen struct {
	t       *testing.T
	tty     *os.File
	command *exec.Cmd
	mutex   sync.Mutex
	text    bytes.Buffer
	read    int // up to where it was looked at
}

// learnerAt starts `learn` with its progress in a file.
func learnerAt(t *testing.T, progress string, args ...string) *screen {
	t.Helper()
	return inTerminal(t, tool.Program(t, append([]string{"learn"}, args...)...), progress)
}

// inTerminal starts a command in a terminal of 80 columns.
func inTerminal(t *testing.T, command *exec.Cmd, progress string) *screen {
	t.Helper()
	s := &screen{t: t, command: command}
	s.command.Env = append(s.command.Env, "TERM=xterm", "NO_COLOR=1", "OPTIMIZING_DOCKERFILE_PROGRESS"+"="+progress)
	var err error
	s.tty, err = pty.StartWithSize(s.command, &pty.Winsize{Rows: 40, Cols: 80})
	require.NoError(t, err)
	t.Cleanup(func() {
		s.command.Process.Kill()
		s.tty.Close()
	})
	go func() {
		piece := make([]byte, 4096)
		for {
			n, err := s.tty.Read(piece)
			s.mutex.Lock()
			s.text.Write(bytes.ReplaceAll(piece[:n], []byte("\r"), nil))
			s.mutex.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

// sees waits for a text that comes after all that was seen so far, and returns what came up to its end.
func (s *screen) sees(text string) string {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s.mutex.Lock()
		all := s.text.String()
		s.mutex.Unlock()
		if i := strings.Index(all[s.read:], text); i >= 0 {
			seen := all[s.read : s.read+i+len(text)]
			s.read += len(seen)
			return seen
		}
	}
	s.t.Fatalf("%q did not come; the screen since then:\n%s", text, s.text.String()[s.read:])
	return ""
}

func (s *screen) types(text string) {
	s.t.Helper()
	_, err := s.tty.WriteString(text)
	require.NoError(s.t, err)
}

// ends waits for the program's end and gives its exit status.
func (s *screen) ends() int {
	s.t.Helper()
	err := s.command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	require.NoError(s.t, err)
	return 0
}

// A reader guesses wrong, asks for hints, mistypes, leaves with Ctrl-C in the
// middle, comes back, and is where they were; nothing moves on by itself.
func TestLearnInATerminal(t *testing.T) {
	e := engines.Engine(t)
	progress := filepath.Join(t.TempDir(), "learn.json")

	s := learnerAt(t, progress, "--step", "2")
	s.sees("Step 2 of 6: Multi-stage")
	s.sees("+ FROM scratch")
	s.sees("Will it build?")
	s.sees("> ")
	s.types("perhaps\n")
	s.sees(`"perhaps" is none of the answers.`)
	s.sees("> ")
	s.types("h\n")
	s.sees("Hint: Take the instructions one by one")
	s.sees("> ")
	s.types("y\n")
	s.sees("\nWill it start, and answer?")
	s.sees("> ")
	s.types("h\n")
	s.sees("Hint: An ENTRYPOINT that is no list of words") // another question, another hint
	s.sees("> ")
	s.types("YES\n") // wrong
	s.sees("\nAs whom will the program run?")
	s.sees("> ")
	s.types("u\n") // wrong, too, and can be: its image names no user
	s.sees("How large will the image be?")
	s.sees("> ")
	s.types("a\n")
	asked := s.sees("Which file does not exist?")
	assert.NotContains(t, asked, "FAILS", "the question comes before the proof")
	s.sees("> ")
	s.types("/bin/sh\n")
	seen := s.sees("go on, a = this step again")
	assert.Contains(t, seen, "Right: /bin/sh.")
	assert.Contains(t, seen, "FAILS, as in the article: the shell form asks for /bin/sh; there is none")
	assert.Contains(t, seen, "✓ Will it build? You said: yes.")
	assert.Contains(t, seen, "✗ Will it start, and answer? You said: yes.\n  It does not: the shell form asks for /bin/sh")
	assert.Contains(t, seen, "✗ As whom will the program run? You said: a user other than root.\n  Nobody runs it, as it does not start. If it did: root")
	assert.Contains(t, seen, "✓ How large will the image be? You said: about 10 MB.\n  It is 10.1MB", "a right answer is explained, too")
	assert.NotContains(t, s.rest(), "Step 3", "it does not move on by itself")
	s.types("\n")
	s.sees("Step 3 of 6: Exec form")
	s.sees("Will it build?")
	s.types("\x03") // Ctrl-C, while the engine is at work
	s.sees("goes on with step 1.")
	s.sees("--step 3`")
	assert.NotZero(t, s.ends())
	left, err := e.Output(context.Background(), "ps", "--all", "--quiet", "--filter", "label="+engine.LabelOwner+"="+engine.OwnerOf(s.command.Process.Pid))
	require.NoError(t, err)
	assert.Empty(t, left, "a container of ours is left")

	s = learnerAt(t, progress)
	s.sees("Step 1 of 6: Single stage") // the first that is not done; step 2 is
	s.sees("> ")
	s.types("n\n") // wrong, and gives nothing away: the rest is asked all the same
	s.sees("Suppose that it builds. Will it start, and answer?")
	s.types("n\n")
	s.sees("Suppose that it starts. As whom will the program run?")
	s.types("u\n")
	s.sees("Suppose that it builds. How large will the image be?")
	s.types("c\n")
	seen = s.sees("go on, a = this step again")
	assert.Contains(t, seen, "✗ Will it build? You said: no.\n  It builds")
	assert.Contains(t, seen, "✗ Will it start, and answer? You said: no.\n  It starts")
	assert.Contains(t, seen, "✓ As whom will the program run? You said: a user other than root.\n  As 1000:1000, echo")
	assert.Contains(t, seen, "✓ How large will the image be? You said: 200 MB or more.")
	s.types("h\n")
	s.sees("There is nothing left to guess here")
	s.types("a\n")
	s.sees("Step 1 of 6: Single stage")
	s.sees("> ")
	s.types("q\n")
	s.sees("goes on with step 3.")
	assert.Zero(t, s.ends())

	s = learnerAt(t, progress)
	s.sees("Step 3 of 6: Exec form")
	s.sees("> ")
	s.types("\x04") // Ctrl-D: no more input
	s.sees("goes on with step 3.")
	assert.Zero(t, s.ends())
}

// rest is what came after all that was seen so far, once nothing more seems to come.
func (s *screen) rest() string {
	time.Sleep(500 * time.Millisecond)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.String()[s.read:]
}

// Ctrl-C in the middle of a run: as soon as the program has ended, none of its
// containers is there.
func TestCtrlCLeavesNothing(t *testing.T) {
	e := engines.Engine(t)
	ranSteps(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		command := tool.Program(t, "run", "all")
		var said bytes.Buffer
		command.Stdout, command.Stderr = &said, &said
		require.NoError(t, command.Start())
		containers := func() string {
			own := "label=" + engine.LabelOwner + "=" + engine.OwnerOf(command.Process.Pid)
			ids, err := e.Output(t.Context(), "ps", "--all", "--quiet", "--filter", own)
			require.NoError(t, err)
			return ids
		}
		require.Eventually(t, func() bool { return containers() != "" }, time.Minute, 10*time.Millisecond, "%s", &said)
		require.NoError(t, command.Process.Signal(signal))
		require.Error(t, command.Wait())
		assert.Equal(t, tool.Environment, command.ProcessState.ExitCode(), "%s", &said)
		assert.Contains(t, said.String(), "stopped; nothing of ours is left running")
		assert.Empty(t, containers(), "%v", signal)
	}
}
