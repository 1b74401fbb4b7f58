package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"optimizing-dockerfile/internal/screen"
)

// runProgram runs a program of this machine in dir and gives what it prints. When the
// context ends, so does the program. The error holds the program's own words.
func runProgram(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var out strings.Builder
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env, command.Stdout = dir, env, &out
	err := run(ctx, command)
	return out.String(), err
}

// run runs a command, and makes its failure one line: what it says itself. Of apt's
// lines those marked E: count.
func run(ctx context.Context, command *exec.Cmd) error {
	var words strings.Builder
	command.Stderr = &words
	command.Env = append(append(os.Environ(), "LC_ALL=C"), command.Env...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 2 * time.Second
	err := command.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	var marked []string
	for _, line := range strings.Split(words.String(), "\n") {
		if strings.HasPrefix(line, "E: ") || strings.HasPrefix(line, "Err:") {
			marked = append(marked, strings.TrimPrefix(line, "E: "))
		}
	}
	text := screen.Line(cmp.Or(strings.Join(marked, "; "), words.String(), err.Error()))
	return fmt.Errorf("%s: %s", command.Args[0], screen.Short(text, 400))
}
