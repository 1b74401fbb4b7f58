package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/page"
)

// everyStep gives the article's steps and the lessons after it.
func everyStep(t *testing.T) []lesson.Step {
	steps, err := lesson.Load("../steps")
	require.NoError(t, err)
	beyond, err := lesson.Load("../beyond", steps...)
	require.NoError(t, err)
	return append(steps, beyond...)
}

// The app is the same in every step: only the Dockerfile tells the steps apart.
func TestTheAppIsTheSameInEveryStep(t *testing.T) {
	all := everyStep(t)
	for _, name := range appFiles {
		original, err := os.ReadFile(filepath.Join(all[0].Dir, name))
		require.NoError(t, err)
		for _, step := range all[1:] {
			if slices.Contains(step.Own, name) {
				continue
			}
			copied, err := os.ReadFile(filepath.Join(step.Dir, name))
			require.NoError(t, err)
			assert.True(t, slices.Equal(original, copied), "%s of %s is not step 1's: make sync", name, step.Name)
		}
	}
}

// `go test ./...` does not enter the steps, which are modules of their own: this does.
func TestTheAppPassesItsTestsInEveryStep(t *testing.T) {
	for _, step := range everyStep(t) {
		t.Run(step.Name, func(t *testing.T) {
			test := exec.Command("go", "test", "./...")
			test.Dir = step.Dir
			test.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
			out, err := test.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), "ok  \techo")
		})
	}
}

// The texts say what the files and records say.
func TestTheGeneratedTextsAreFresh(t *testing.T) {
	stale, err := page.Stale("..")
	require.NoError(t, err)
	assert.Empty(t, stale, "make sync writes them anew")
}

// A carriage return would break a step on a clone made by Windows' Git.
func TestNoFileOfAStepHasACarriageReturn(t *testing.T) {
	files, err := filepath.Glob("../steps/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.False(t, strings.Contains(string(text), "\r"), file)
	}
}
