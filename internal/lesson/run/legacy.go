package run

// This file alone knows that builders without BuildKit find what they have made before
// only if they make it one after the other.

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

// sharedStart lets one build go ahead of the others until it is past the
// instructions that all of them share: the first stage up to its COPY. Docker's
// legacy builder, and podman's, look for what they have made before among the
// children of one image.
// Builds that begin at once would each make an image of their own for the same
// instruction, and a later build that finds the wrong one compiles again.
type sharedStart struct {
	first *job
	done  chan struct{}
	once  sync.Once
}

func startWith(first *job) *sharedStart {
	b := &sharedStart{first: first, done: make(chan struct{})}
	copied := false
	first.request.At = func(instruction string) {
		if copied {
			b.made(first)
		}
		copied = copied || strings.HasPrefix(strings.ToUpper(instruction), "COPY ")
	}
	return b
}

// made says that what is shared is there; or, when the first build has ended in
// another way, that there is nothing to wait for.
func (b *sharedStart) made(j *job) {
	if b != nil && j == b.first {
		b.once.Do(func() { close(b.done) })
	}
}

// wait returns when what is shared is made.
func (b *sharedStart) wait(ctx context.Context, j *job) error {
	if b == nil || j == b.first {
		return nil
	}
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lockWait bounds the wait for another run's build; afterwards both go on.
const lockWait = 5 * time.Minute

// lockCompile waits until no other run on this machine compiles what a job compiles. The
// legacy builder would compile twice, at two times, and later builds of either run
// would find now the one and now the other: steps that must have the same layers
// would have none in common. The file that is locked says nothing and may be
// missing; without it, only the wait is.
func (t *Trial) lockCompile(ctx context.Context, j *job) (end func()) {
	none := func() {}
	dir, err := program.CacheDir()
	if err != nil || t.Engine.Builder != engine.Legacy {
		return none
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return none
	}
	ctx, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	lock := flock.New(filepath.Join(dir, "compile-"+j.compile[:2]))
	if held, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil || !held {
		lock.Close()
		return none
	}
	return func() { lock.Close() }
}
