package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
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
	if atomic.LoadInt32(&e.silent) == 1 {
		if err := e.answers(ctx, againTime); err != nil {
			return nil, nil, err
		}
	}
	answering, lost := context.WithCancelCause(ctx)
	turn := time.NewTicker(watchTime)
	go func() {
		defer turn.Stop()
		for {
			select {
			case <-turn.C:
			case <-answering.Done():
				return
			}
			if err := e.answers(answering, aliveTime); err != nil {
				lost(err)
			}
		}
	}()
	return answering, func() { lost(nil) }, nil
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
	silent := int32(0)
	if err != nil {
		silent = 1
	}
	atomic.StoreInt32(&e.silent, silent)
	switch {
	case asking.Err() != nil:
		return &Unavailable{fmt.Sprintf("the engine hangs: `%s version` had no answer within %v; start it anew, then run the "+
			"same again", e.Name, within)}
	case err != nil:
		return &Unavailable{fmt.Sprintf("the engine went away: %v", err)}
	}
	return nil
}

// Alive asks the engine whether it is still there. The error is an *Unavailable.
func (e *Engine) Alive(ctx context.Context) error { return e.answers(ctx, aliveTime) }
