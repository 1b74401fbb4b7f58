//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/corpus"
)

// full is a disk without a free byte.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// What could not be written is the environment's fault, whichever verb wrote it.
func TestAFullDiskIsNeverASuccess(t *testing.T) {
	good := filepath.Join(t.TempDir(), "image.tar")
	file, err := os.Create(good)
	require.NoError(t, err)
	require.NoError(t, corpus.Save(file, map[string]corpus.Spec{"x:latest": {Entrypoint: []string{"/none"}}}, nil))
	require.NoError(t, file.Close())
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	for _, args := range [][]string{{"diff", "3"}, {"--help"}, {"run", "--help"}, {"doctor", good}, {"check", "workshop/start"}} {
		t.Chdir("..")
		var complaint strings.Builder
		assert.Equal(t, exitEnvironment, execute(context.Background(), args, full{}, &complaint), args)
		assert.Contains(t, complaint.String(), "no space left", args)
		t.Chdir("scripts")
	}
}

// An error may speak of megabytes; a screen is not for them.
func TestAComplaintHasAnEnd(t *testing.T) {
	var said strings.Builder
	complain(&said, "error", strings.Repeat("x", 1<<20))
	assert.Less(t, said.Len(), 2*longest)
}
