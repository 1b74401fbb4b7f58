package learn

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// Who leaves with Ctrl-C while the step still runs is let go, once that has cleaned up.
func TestLeavingWhileAStepRuns(t *testing.T) {
	steps, err := table.Load("../../../steps")
	require.NoError(t, err)
	progress, err := ReadProgress(filepath.Join(t.TempDir(), "learn.json"))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	in, _ := io.Pipe() // nothing more is typed
	left := make(chan error)
	session := &Session{
		Steps: steps, Progress: progress, In: io.MultiReader(strings.NewReader("y\ny\nr\na\n"), in), Out: tell.NewTerminal(io.Discard),
		Try: func(running context.Context, _ table.Step, _ run.Reporter) (record.Run, error) {
			time.AfterFunc(100*time.Millisecond, stop)
			<-running.Done()
			return record.Run{}, running.Err()
		},
	}
	go func() { left <- session.From(ctx, 0) }()
	select {
	case err := <-left:
		assert.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("it waits for ever")
	}
}
