package trial

import (
	"context"
	"strings"
	"sync"
)

// beginning lets one build go ahead of the others until it is past the
// instructions that all of them share: the first stage up to its COPY. Docker's
// legacy builder, and podman's, look for what they have made before among the
// children of one image.
// Builds that begin at once would each make an image of their own for the same
// instruction, and a later build that finds the wrong one compiles again.
type beginning struct {
	first *job
	done  chan struct{}
	once  sync.Once
}

func beginWith(first *job) *beginning {
	b := &beginning{first: first, done: make(chan struct{})}
	copied := false
	first.request.At = func(instruction string) {
		if copied {
			b.made(first)
		}
		copied = copied || strings.HasPrefix(strings.ToUpper(instruction), "COPY ")
	}
	return b
}

// made says that the beginning is there; or, when the first build has ended in
// another way, that there is nothing to wait for.
func (b *beginning) made(j *job) {
	if b != nil && j == b.first {
		b.once.Do(func() { close(b.done) })
	}
}

// wait returns when the beginning is made.
func (b *beginning) wait(ctx context.Context, j *job) error {
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
