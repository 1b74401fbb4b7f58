package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the workshop has of the app is step 1's, byte for byte, and the start is step 1 whole.
func TestTheWorkshopHasTheAppOfStepOne(t *testing.T) {
	t.Chdir("..")
	files, err := workshopFiles()
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	for path, name := range files {
		original, err := os.ReadFile(filepath.Join("steps/01-single-stage", name))
		require.NoError(t, err)
		copied, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(original), string(copied), "%s: `go run ./scripts sync` writes it anew", path)
	}
}

// The fault of the exercise about line ends is in its bytes: a checkout must not mend it.
func TestTheScriptWithCarriageReturnsHasThem(t *testing.T) {
	text, err := os.ReadFile("../workshop/exercises/05-windows-line-ends/start.sh")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "#!/bin/sh\r\n"))
}
