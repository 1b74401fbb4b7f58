//go:build unix

package engine

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A call ends when the engine hangs, those after it fail at once, and all is well
// when it answers again. (A real engine is paused in `make faults`.)
func TestACallEndsWhenTheEngineHangs(t *testing.T) {
	dir := t.TempDir()
	hangs := filepath.Join(dir, "hangs")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n[ -e "+hangs+" ] && exec sleep 600\nexit 0\n"), 0o755))
	require.NoError(t, os.WriteFile(hangs, nil, 0o644))
	was := []time.Duration{watchTime, aliveTime, againTime}
	t.Cleanup(func() { watchTime, aliveTime, againTime = was[0], was[1], was[2] })
	watchTime, aliveTime, againTime = 50*time.Millisecond, 200*time.Millisecond, 5*time.Second
	e := &Engine{Name: "docker", path: filepath.Join(dir, "docker")}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()

	var lost *Unavailable
	require.ErrorAs(t, e.Run(ctx, nil, nil, nil, "build"), &lost)
	assert.Contains(t, lost.Reason, "the engine hangs")
	againTime = 50 * time.Millisecond
	assert.ErrorAs(t, e.Run(ctx, nil, nil, nil, "rm"), &lost)
	require.NoError(t, os.Remove(hangs))
	againTime = 5 * time.Second
	assert.NoError(t, e.Run(ctx, nil, nil, nil, "rm"))
	require.NoError(t, ctx.Err())
}
