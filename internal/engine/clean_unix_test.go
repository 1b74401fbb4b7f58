//go:build unix

package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An image that could not be looked at is not gone: the next clean finds it in the
// ledger. (No real engine can be made to answer so for one image; this one fails for "unclear".)
func TestCleanForgetsOnlyWhatIsGone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte(`#!/bin/sh
case "$*" in
"image inspect -- gone") echo "Error response from daemon: No such image: gone" >&2; exit 1 ;;
"image inspect -- unclear") echo "Error response from daemon: something unexpected" >&2; exit 1 ;;
esac
`), 0o755))
	e := &Engine{Name: "docker", path: filepath.Join(dir, "docker"), Ledger: Ledger{Path: filepath.Join(dir, "ledger")}}
	for _, id := range []string{"gone", "unclear"} {
		e.Ledger.note(entry{e.Key(), imageEntry, id, owner(), 1})
	}
	_, err := e.Clean(t.Context(), func(string) {})
	require.NoError(t, err)
	left := e.Ledger.entries(e.Key(), imageEntry)
	require.Len(t, left, 1)
	assert.Equal(t, "unclear", left[0].id)
}
