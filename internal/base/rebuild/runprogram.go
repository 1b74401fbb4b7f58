package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"optimizing-dockerfile/internal/screen"
)

// runProgram runs a program of this machine in dir; stdout may be nil. When the
// context ends, so does the program. The error holds the program's own words.
func runProgram(ctx context.Context, dir string, env []string, stdout *strings.Builder, name string, args ...string) error {
	var words strings.Builder
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = dir
	command.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	command.Stderr = &words
	if stdout != nil {
		command.Stdout = stdout
	}
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 2 * time.Second
	return told(ctx, name, command.Run(), words.String())
}

// piped hands what a program prints to a reader, as it comes.
func piped(ctx context.Context, read func(io.Reader) error, name string, args ...string) error {
	var words strings.Builder
	command := exec.CommandContext(ctx, name, args...)
	command.Stderr = &words
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	failure := read(out)
	io.Copy(io.Discard, out)
	return errors.Join(failure, told(ctx, name, command.Wait(), words.String()))
}

// told makes a program's failure one line: what it says itself. Of apt's lines
// those marked E: count.
func told(ctx context.Context, name string, err error, words string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	var say []string
	for _, line := range strings.Split(words, "\n") {
		if strings.HasPrefix(line, "E: ") || strings.HasPrefix(line, "Err:") {
			say = append(say, strings.TrimPrefix(line, "E: "))
		}
	}
	if len(say) == 0 {
		say = append(say, words)
	}
	text := screen.Short(screen.Line(strings.Join(say, "; ")), 400)
	if text == "" {
		text = err.Error()
	}
	return fmt.Errorf("%s: %s", name, text)
}
