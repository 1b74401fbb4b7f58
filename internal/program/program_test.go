package program

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who has the program of a bundle, and no Go, must not be told to type `go run`.
func TestTheProgramIsCalledAsItLies(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "steps"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "steps", "steps.yaml"), nil, 0o644))
	typed := "bin/steps"
	if runtime.GOOS == "windows" {
		typed = `.\bin\steps`
	}
	assert.Equal(t, typed, callOf(filepath.Join(root, "bin", "steps")))
	for _, elsewhere := range []string{filepath.Join(root, "steps-tool"), filepath.Join(root, "bin", "deeper", "steps"), filepath.Join(t.TempDir(), "bin", "steps")} {
		assert.Equal(t, FromSource, callOf(elsewhere), elsewhere)
	}
}
