package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// buildTime is the longest that a try's build may take: far beyond a cold compile on
// a slow machine, and still an end.
const buildTime = 20 * time.Minute

// buildShared makes what the first group begins with in common with another one, as far as any goes. docker's old builder
// and Buildah find what was made before, but make anew what is only being made; and of two images that were made of the
// same, later builds find one only. An error is dropped: a step's own fault is met again in its build.
func (t *Trial) buildShared(ctx context.Context, groups [][]*job) {
	first, shared := groups[0][0], 0
	for _, other := range groups[1:] {
		shared = max(shared, first.shares(other[0]))
	}
	if shared == 0 {
		return
	}
	ctx, stop := context.WithTimeout(ctx, buildTime)
	defer stop()
	first.fromCopy(first.step, first.try, "", func(request engine.BuildRequest) error {
		request.Dockerfile, request.Tag, request.Made = filepath.Join(request.Dir, filepath.Base(request.Dockerfile)), "", ""
		if err := os.WriteFile(request.Dockerfile, []byte(first.file.Head(shared)), 0o644); err != nil {
			return err
		}
		_, err := t.Engine.Build(ctx, request)
		return err
	})
}

// fromCopy gives this try's request, with the folder and the Dockerfile of step and try: from a copy, whose files have
// dates of their own.
func (j *job) fromCopy(step table.Step, try table.Try, tag string, build func(engine.BuildRequest) error) error {
	dir, err := os.MkdirTemp("", engine.Repository+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	request := j.request
	request.Dir, request.Dockerfile = filepath.Join(dir, "app"), filepath.Join(step.Dir, try.Dockerfile)
	request.Tag = j.Tag(step, try.Dockerfile+"."+tag)
	if err := os.CopyFS(request.Dir, os.DirFS(step.Context)); err != nil {
		return err
	}
	return build(request)
}

// build makes the image of a try.
func (j *job) build(ctx context.Context) {
	j.tell(Event{Doing: Building})
	j.fault = j.make(ctx)
}

// make has the engine build. A failed build is part of the outcome; what it returns is
// the environment's fault.
func (j *job) make(ctx context.Context) error {
	bounded, stop := context.WithTimeout(ctx, buildTime)
	defer stop()
	began := time.Now()
	var err error
	j.image, err = j.Engine.Build(bounded, j.request)
	o := &j.outcome
	o.Seconds.Build = time.Since(began).Seconds()

	var failed *engine.BuildError
	switch {
	case bounded.Err() == context.DeadlineExceeded && ctx.Err() == nil:
		return fmt.Errorf("the build had not ended after %v", buildTime)
	case !errors.As(err, &failed): // or it is built
		return err
	}
	o.Phase, o.Output, o.Message = table.Build, failed.Output, strings.TrimSpace(failed.Output+"\n"+failed.Message)
	if fault := environmentOf(o.Message); fault != "" {
		return errors.New(fault)
	}
	if err := j.Engine.Alive(ctx); err != nil {
		return err
	}
	switch {
	case failed.ExitCode == killed:
		return fmt.Errorf("`%s` was killed: the memory ran out, or the engine ended", failed.Instruction)
	case failed.ExitCode == 0 && lostEngine.MatchString(failed.Message):
		return fmt.Errorf("the engine went away during the build: %s", failed.Message)
	}
	o.fails(table.Build, causeOf(failed), failed.Instruction)
	return nil
}

// killed is the exit status of a command that SIGKILL has ended. No step does that to itself.
const killed = 137

// lostEngine is how docker's program says that the engine has gone away in the middle of
// an answer. It may be there again by now.
var lostEngine = regexp.MustCompile(`^(error during connect: |ERROR: .*(closing transport|Unavailable)|.*(unexpected EOF|connection ` +
	`reset by peer|broken pipe)$)`)

// goError is how the Go compiler begins a complaint: FILE.go:LINE:COLUMN: .
var goError = regexp.MustCompile(`(?m)^[^\s:]+\.go:\d+:(\d+:)? `)

// How Go says that go.mod asks for a newer one: since 1.21 before it compiles, before that after the errors that it leads to;
// and that git told it nothing of the commit.
var (
	tooOld    = regexp.MustCompile(`(?m)^(go: .*requires go >= \S+ \(running go |note: module requires Go 1\.\d+)`)
	vcsFailed = regexp.MustCompile(`(?m)^\s*error obtaining VCS status: exit status \d+`)
)

// causeOf tells why a build failed from the instruction, the exit status of its command and
// what that printed; 127 is a POSIX shell's "no such command".
func causeOf(failed *engine.BuildError) doctor.Cause {
	switch {
	case failed.ExitCode == 127:
		return CommandNotFound
	case failed.ExitCode != 0 && tooOld.MatchString(failed.Output):
		return ToolchainTooOld
	case failed.ExitCode != 0 && vcsFailed.MatchString(failed.Output):
		return VCSStatus
	case failed.ExitCode != 0 && strings.Contains(failed.Instruction, "go build") && goError.MatchString(failed.Output):
		return CompileError
	}
	return BuildFailed
}

// environmentOf recognises the words of a build or a start that failed for want of
// something that a step cannot be blamed for. Words are all that there is to tell by; a
// mistake costs a verdict, but can never pass for an expected failure. It says what is
// at fault, and gives the line that tells; "" where none does.
func environmentOf(words string) string {
	const (
		noBase  = "an image that the Dockerfile starts from is not here and cannot be pulled"
		network = "the network could not be reached"
	)
	for _, f := range []struct{ sign, fault string }{
		{"no space left on device", "the engine's disk is full"},
		{"Cannot connect to the Docker daemon", "the engine went away"},
		{"pull access denied", noBase},
		{"failed to resolve source metadata", noBase},
		{"manifest unknown", noBase},
		{"dial tcp", network},
		{"no such host", network},
		{"certificate signed by unknown authority", "a server's certificate cannot be checked: the base lacks the authorities, or the " +
			"network is in between"},
		{"TLS handshake timeout", network},
		{"bad address", network}, // busybox's wget
		{"Could not resolve host", network},
		{"Temporary failure in name resolution", network},
		{"emporary error (try again later)", network}, // apk
		{"reading file:///usr/local/share/goproxy", "a module is not among those that the rebuilt base carries"},
	} {
		for line := range strings.Lines(words) {
			if strings.Contains(line, f.sign) {
				return f.fault + ": " + screen.Short(screen.Line(line), 300)
			}
		}
	}
	return ""
}
