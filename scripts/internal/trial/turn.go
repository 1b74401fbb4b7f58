package trial

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"optimizing-dockerfile/scripts/internal/engine"
	"optimizing-dockerfile/scripts/internal/self"
)

// turnWait bounds the wait for another run's build; afterwards both go on.
const turnWait = 5 * time.Minute

// turn waits until no other run on this machine compiles what a job compiles. The
// legacy builder would compile twice, at two times, and later builds of either run
// would find now the one and now the other: steps that must have the same layers
// would have none in common. The file that is locked says nothing and may be
// missing; without it, only the wait is.
func (t *Trial) turn(ctx context.Context, j *job) (end func()) {
	none := func() {}
	dir, err := self.CacheDir()
	if err != nil || t.Engine.Builder != engine.Legacy {
		return none
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return none
	}
	ctx, stop := context.WithTimeout(ctx, turnWait)
	defer stop()
	lock := flock.New(filepath.Join(dir, "compile-"+j.compile[:2]))
	if held, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil || !held {
		lock.Close()
		return none
	}
	return func() { lock.Close() }
}
