package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Failed is a command of the engine that ran and ended with a status other than 0.
type Failed struct {
	Args     []string // without the program's name
	ExitCode int
	Stderr   string
}

// Error gives the engine's own last words: with them it says why.
func (f *Failed) Error() string {
	return cmp.Or(lastLine(f.Stderr), fmt.Sprintf("%s ended with status %d", strings.Join(f.Args, " "), f.ExitCode))
}

// callTime bounds every call to the engine that does not build. Each takes well under
// a second on a healthy machine, and over a minute where eight runs go on at once; an
// engine that hangs is noticed long before, by watch.
const callTime = 5 * time.Minute

// Output runs the engine with args and returns what it printed to stdout,
// without the space around it. The error is a *Failed, the context's, or says
// why the program could not be run.
func (e *Engine) Output(ctx context.Context, args ...string) (string, error) {
	bounded, stop := context.WithTimeout(ctx, callTime)
	defer stop()
	var out bytes.Buffer
	err := e.Run(bounded, nil, &out, nil, args...)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = fmt.Errorf("`%s` had not ended after %v", args[0], callTime)
	}
	return strings.TrimSpace(out.String()), err
}

// Run runs the engine with args; what it prints goes to stdout and stderr as it
// comes, to both at the same time; where they are one and the same, in the order in
// which it was printed. Any of the three streams may be nil. The error
// is as Output's; or, where the engine stopped answering meanwhile, an *Unavailable.
func (e *Engine) Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args ...string) error {
	answering, stop, err := e.watch(ctx)
	if err != nil {
		return err
	}
	defer stop()
	err = e.run(answering, stdin, stdout, stderr, args...)
	var lost *Unavailable
	if ctx.Err() == nil && errors.As(context.Cause(answering), &lost) {
		return lost
	}
	return err
}

// Stream runs the engine with args and has what it prints read as it comes. Where that
// ends early, so does the program. The error is the reader's, else Run's.
func (e *Engine) Stream(ctx context.Context, read func(io.Reader) error, args ...string) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	r, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		w.CloseWithError(e.Run(running, nil, w, nil, args...)) // of nil: the end
		close(ended)
	}()
	err := read(r)
	stop()
	r.Close()
	<-ended
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (e *Engine) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args ...string) error {
	words := new(tail)
	told := io.Writer(words)
	if stderr != nil {
		told = io.MultiWriter(stderr, words)
		if stdout == stderr { // as one pipe: in the order in which the program wrote
			stdout = told
		}
	}
	command := exec.CommandContext(ctx, e.path, args...)
	command.Stdin, command.Stdout, command.Stderr = stdin, stdout, told
	command.Env = append(os.Environ(),
		defaultPlatform+"=",                // every build and start names its platform
		"LC_ALL=C",                         // the engine's words in one language
		"DOCKER_CLI_HINTS=false",           // no advertisements among them
		"BUILDKIT_PROGRESS=plain",          // lines, not a screen
		"BUILDX_BUILDER=",                  // seen by Use alone: another builder may not see the engine's images
		"BUILDX_NO_DEFAULT_ATTESTATIONS=1", // or two builds of the same image differ
		"DOCKER_SCAN_SUGGEST=false",
	)
	detach(command)
	command.WaitDelay = 2 * time.Second
	err := command.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &Failed{Args: args, ExitCode: exit.ExitCode(), Stderr: words.String()}
	}
	return err
}

const tailLength = 128 << 10

// tail keeps the last bytes written to it: a program that floods its output
// must not fill the memory. It holds up to twice as many, so that not every
// write moves them all.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*tailLength {
		t.kept = append(t.kept[:0], t.last()...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.last()) }

func (t *tail) last() []byte { return t.kept[max(0, len(t.kept)-tailLength):] }
