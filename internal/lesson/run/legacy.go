package run

// This file alone knows that builders without BuildKit find what they have made before
// only if they make it one after the other. They look for it among the children of one
// image: builds that begin at once would each make an image of their own for the same
// instruction, and a later build that finds the wrong one compiles again. So the first
// build of a run goes ahead of the rest, and makes what all share.

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// lockWait bounds the wait for another run's builds; afterwards both go on.
const lockWait = 10 * time.Minute

// lockBuilds waits until no other run on this machine builds with an old builder: two at
// a time would compile the same twice, and later builds of either would find now the one
// and now the other; steps that must have the same layers would have none in common. The
// file that is locked says nothing and may be missing; without it, only the wait is.
func (t *Trial) lockBuilds(ctx context.Context) (end func()) {
	none := func() {}
	dir, err := program.CacheDir()
	if err != nil || t.Engine.Builder != engine.Legacy || os.MkdirAll(dir, 0o755) != nil {
		return none
	}
	ctx, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	lock := flock.New(filepath.Join(dir, "builds-"+engine.Tag(t.Engine.Key())))
	held, err := lock.TryLock()
	if err == nil && !held {
		screen.Sayf(t.Report, "waiting for the builds of another run")
		held, err = lock.TryLockContext(ctx, 100*time.Millisecond)
	}
	if err != nil || !held {
		lock.Close()
		return none
	}
	return func() { lock.Close() }
}
