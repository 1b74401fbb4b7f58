package rebuild

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

// `clean` must not take the downloads away from under a run that rebuilds a base.
func TestTheCacheIsRemovedInItsTurn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	t.Setenv(program.CacheVariable, dir)
	ctx := context.Background()
	require.NoError(t, RemoveCache(ctx, dir, nil, func() error { return nil }), "there is none yet")
	assert.NoDirExists(t, dir)

	run, err := openCache(ctx, nil)
	require.NoError(t, err)
	download := filepath.Join(dir, "download")
	require.NoError(t, os.WriteFile(download, nil, 0o644))
	waits, removed := make(chan string, 9), make(chan error)
	var first atomic.Bool // has been done
	go func() {
		removed <- RemoveCache(ctx, dir, said(waits), func() error { first.Store(true); return nil })
	}()
	select {
	case sentence := <-waits:
		assert.Contains(t, sentence, "waiting for another run")
	case err := <-removed:
		t.Fatal("it does not wait: ", err)
	case <-time.After(10 * time.Second):
		t.Fatal("it does not say that it waits")
	}
	assert.FileExists(t, download)
	assert.False(t, first.Load(), "what a rebuild needs is not taken away from under it either")
	run.close()
	require.NoError(t, <-removed)
	assert.True(t, first.Load())
	assert.NoDirExists(t, dir, "nothing is left")
}

// Who waited for the lock while `clean` removed its file has the lock of a new one.
func TestALockThatWasRemovedIsNobodys(t *testing.T) {
	t.Setenv(program.CacheVariable, t.TempDir())
	ctx := context.Background()
	first, err := openCache(ctx, nil)
	require.NoError(t, err)
	got := make(chan *cache)
	go func() {
		second, _ := openCache(ctx, nil)
		got <- second
	}()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, os.RemoveAll(first.dir))
	first.close()
	second := <-got
	require.NotNil(t, second)
	defer second.close()
	held, err := second.lock.Stat()
	require.NoError(t, err)
	there, err := os.Stat(second.lock.Path())
	require.NoError(t, err)
	assert.True(t, os.SameFile(held, there))
}

// What another engine holds must still be known after a `clean` on this one.
func TestTheLedgerStaysInTheCache(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(program.CacheVariable, dir)
	for _, name := range []string{engine.LedgerFile, "download"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644))
	}
	require.NoError(t, RemoveCache(context.Background(), dir, nil, func() error { return nil }))
	assert.FileExists(t, filepath.Join(dir, engine.LedgerFile))
	assert.NoFileExists(t, filepath.Join(dir, "download"))
}
