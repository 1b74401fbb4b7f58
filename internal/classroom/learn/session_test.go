package learn

import (
	"bufio"
	"context"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
)

// session is one with the article's steps, where nothing is done yet.
func session(t *testing.T, in io.Reader, out io.Writer) *Session {
	steps, err := table.Load("../../../steps")
	require.NoError(t, err)
	t.Setenv(program.ProgressVariable, filepath.Join(t.TempDir(), "learn.json"))
	progress, err := ReadProgress()
	require.NoError(t, err)
	return &Session{Steps: steps, Progress: progress, In: in, Out: tell.NewTerminal(out)}
}

// Who leaves with Ctrl-C while the step still runs is let go, once that has cleaned up.
func TestLeavingWhileAStepRuns(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	in, _ := io.Pipe() // nothing more is typed
	left := make(chan error)
	s := session(t, io.MultiReader(strings.NewReader("y\ny\nr\na\n"), in), io.Discard)
	s.Try = func(running context.Context, _ table.Step, _ run.Reporter) record.Run {
		time.AfterFunc(100*time.Millisecond, stop)
		<-running.Done()
		return record.Run{Verdict: run.Environment, Reason: running.Err().Error()}
	}
	go func() { left <- s.From(ctx, 0) }()
	select {
	case err := <-left:
		assert.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("it waits for ever")
	}
}

// What a person types while the engine builds is no answer to what is asked afterwards.
func TestNothingIsAnAnswerBeforeItsQuestion(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	person, tty, err := pty.Open()
	if err != nil && runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: it has no such terminals")
	}
	require.NoError(t, err)
	defer person.Close()
	defer tty.Close()
	screen := bufio.NewReader(person)
	sees := func(text string) {
		t.Helper()
		var seen strings.Builder
		for !strings.HasSuffix(seen.String(), text) {
			r, _, err := screen.ReadRune()
			require.NoError(t, err)
			seen.WriteRune(r)
		}
	}
	types := func(text string) {
		t.Helper()
		_, err := person.WriteString(text)
		require.NoError(t, err)
	}
	built, tries := make(chan bool), 0
	s := session(t, tty, tty)
	s.Steps = s.Steps[:1]
	s.Close = func(table.Step, record.Run) error { return nil }
	s.Try = func(context.Context, table.Step, run.Reporter) record.Run {
		tries++
		<-built
		return record.Run{Steps: []run.Outcome{{Image: &run.Image{}, Outcome: table.Runs}}}
	}
	left := make(chan error)
	go func() { left <- s.From(t.Context(), 0) }()
	for _, answer := range []string{"y", "y", "r", "a"} {
		sees("> ")
		types(answer + "\n")
		sees(answer + "\r\n")
	}
	types("a\n") // it would be: this step again
	sees("a\r\n")
	if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
		types("a") // and Enter comes after the question
		sees("a")
	}
	close(built)
	sees("Enter = finish, a = this step again, q = leave\r\n> ")
	types("\n")
	sees("That was the last step.")
	require.NoError(t, <-left)
	assert.Equal(t, 1, tries)
}
