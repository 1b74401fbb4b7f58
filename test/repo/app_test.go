package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell/page"
)

// everyStep gives the article's steps and the lessons after it.
func everyStep(t *testing.T) []table.Step {
	steps, err := table.Load("../../steps")
	require.NoError(t, err)
	beyond, err := table.Load("../../beyond", steps...)
	require.NoError(t, err)
	return append(steps, beyond...)
}

// The app is the same in every step, and in the workshop: only the Dockerfile tells the steps apart.
func TestTheAppIsTheSameEverywhere(t *testing.T) {
	originals, err := page.Copies("../..")
	require.NoError(t, err)
	require.Greater(t, len(originals), 40)
	for path, original := range originals {
		want, err := os.ReadFile(original)
		require.NoError(t, err)
		have, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(have), "%s is not step 1's: make sync", path)
	}
}

// `go test ./...` does not enter the steps, which are modules of their own: this does.
func TestTheAppPassesItsTestsInEveryStep(t *testing.T) {
	for _, step := range everyStep(t) {
		if step.Context != step.Dir {
			continue
		}
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
	stale, err := page.Stale("../..")
	require.NoError(t, err)
	assert.Empty(t, stale, "make sync writes them anew")
}

// A carriage return would break a step on a clone made by Windows' Git.
func TestNoFileOfAStepHasACarriageReturn(t *testing.T) {
	files, err := filepath.Glob("../../steps/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.False(t, strings.Contains(string(text), "\r"), file)
	}
}

// The fault of the exercise about line ends is in its bytes: a checkout must not mend it.
func TestTheScriptWithCarriageReturnsHasThem(t *testing.T) {
	text, err := os.ReadFile("../../workshop/exercises/05-one-of-five/start.sh")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "#!/bin/sh\r\n"))
}
