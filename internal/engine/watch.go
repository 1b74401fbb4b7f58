package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"sync"
	"time"

	"optimizing-dockerfile/internal/screen"
)

// A daemon that hangs leaves its client waiting for ever, and a build may take
// long: so the engine is asked every watchTime whether it is still there.
var (
	watchTime = 10 * time.Second
	aliveTime = 30 * time.Second // what it may take to answer, also on a machine that has much to do
	againTime = 3 * time.Second  // the same where it has not answered before
)

// watch gives a context that ends, with an *Unavailable as its cause, when the
// engine does not answer any more; stop ends the watch. It fails at once where the
// engine has not answered before and still does not.
func (e *Engine) watch(ctx context.Context) (answering context.Context, stop func(), err error) {
	if e.silent.Load() {
		if err := e.answers(ctx, againTime); err != nil {
			return nil, nil, err
		}
	}
	answering, lost := context.WithCancelCause(ctx)
	end := screen.Every(watchTime, func(time.Duration) {
		if err := e.answers(answering, aliveTime); err != nil {
			lost(err)
		}
	})
	return answering, func() { lost(nil); end() }, nil
}

// answers asks the engine whether it is there. The error is an *Unavailable, or
// the context's.
func (e *Engine) answers(ctx context.Context, within time.Duration) error {
	asking, stop := context.WithTimeout(ctx, within)
	defer stop()
	err := e.run(asking, nil, nil, nil, "version")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e.silent.Store(err != nil)
	switch {
	case asking.Err() != nil:
		return &Unavailable{fmt.Sprintf("the engine hangs: `%s version` had no answer within %v; start it anew, then run the "+
			"same again", e.Name, within)}
	case err != nil:
		return &Unavailable{fmt.Sprintf("the engine went away: %v", err)}
	}
	return nil
}

// Alive asks the engine whether it is still there. The error is as that of answers.
func (e *Engine) Alive(ctx context.Context) error { return e.answers(ctx, aliveTime) }

// Repository is the name under which all our images are tagged; a step is
// Repository:02-multistage, a rebuilt base Repository/base:….
const Repository = "optimizing-dockerfile"

// tagLength is the longest tag that docker takes.
const tagLength = 128

var notInTag = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// Tag makes a tag out of a name. Of one that is too long, a sum takes the place of the end.
func Tag(name string) string {
	tag := notInTag.ReplaceAllString(name, "-")
	if len(tag) <= tagLength {
		return tag
	}
	return fmt.Sprintf("%s-%x", tag[:tagLength-17], sha256.Sum256([]byte(name)))[:tagLength]
}

// Labels on all that this tool makes in an engine. What lacks them is somebody else's.
const (
	// LabelMade says what it is: one of the Made values. A container or image
	// inherits its image's labels, so the value counts, not the presence.
	LabelMade = "optimizing-dockerfile.made"
	// LabelOwner names the process that is responsible for a container, as OwnerOf does.
	LabelOwner = "optimizing-dockerfile.owner"
)

// Values of LabelMade.
const (
	MadeStep  = "step"  // the image of a step
	MadeBase  = "base"  // a rebuilt base
	MadeTrial = "trial" // a container that runs a step, or that is only created to read an image
)

// Ours gives the options that mark a container of `create` or `run` as this process's.
func Ours() []string {
	return append(Kept(), "--label", LabelOwner+"="+owner())
}

func owner() string { return OwnerOf(os.Getpid()) }

// OwnerOf names a process of this machine, as PID@PLACE.
func OwnerOf(pid int) string { return fmt.Sprintf("%d@%s", pid, place()) }

// place is where a process's number means that process: the host's name, and a sum of
// what tells those apart that share it, such as WSL and Windows, or containers.
var place = sync.OnceValue(func() string {
	host, _ := os.Hostname()
	machine, _ := os.ReadFile("/etc/machine-id")
	if len(bytes.TrimSpace(machine)) == 0 { // as in most containers, whose numbers end with them
		machine, _ = os.ReadFile("/proc/sys/kernel/random/boot_id")
	}
	numbers, _ := os.Readlink("/proc/self/ns/pid")
	sum := sha256.Sum256([]byte(runtime.GOOS + string(machine) + numbers))
	return fmt.Sprintf("%s-%x", host, sum[:4])
})

// Kept gives the options that mark a container as ours, to stay when this process ends.
func Kept() []string { return []string{"--label", LabelMade + "=" + MadeTrial} }
