package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/table"
)

// A bench that measures cached builds, or another app, says nothing.
func TestAFreshCourseIsOneThatNoBuildHasSeen(t *testing.T) {
	read := func(c Course, step, file string) string {
		text, err := os.ReadFile(filepath.Join(c.Dir, step, file))
		require.NoError(t, err)
		return string(text)
	}
	one, err := Fresh("../../steps", t.TempDir(), false)
	require.NoError(t, err)
	two, err := Fresh("../../steps", t.TempDir(), true)
	require.NoError(t, err)
	assert.NotEqual(t, read(one, "01-single-stage", "main.go"), read(two, "01-single-stage", "main.go"))
	assert.Equal(t, read(one, "01-single-stage", "main.go"), read(one, "06-nonroot-scratch", "main.go"), "within a course the app is one")
	assert.NoFileExists(t, filepath.Join(one.Dir, "02-multistage", ".dockerignore"))
	assert.FileExists(t, filepath.Join(two.Dir, "02-multistage", ".dockerignore"))
	again, err := table.Load(two.Dir)
	require.NoError(t, err)
	assert.Len(t, again, len(one.Steps), "the tool can run it")
}

// A run that is not as expected says why, or nobody could tell.
func TestAFailedRunTellsItsWords(t *testing.T) {
	err := run(t.Context(), "go", "no-such-verb")
	assert.ErrorContains(t, err, "unknown command")
}

// The page says what was measured last.
func TestThePageShowsTheFigures(t *testing.T) {
	made, err := Page("../../docs")
	require.NoError(t, err)
	assert.Contains(t, made, "| buildkit | cold |")
	page, err := os.ReadFile("../../docs/performance.md")
	require.NoError(t, err)
	assert.Equal(t, made, string(page), "dev bench --record writes it")
}

func TestMediansAndRatios(t *testing.T) {
	r := Row{Hand: []float64{100, 90, 200}, Tool: []float64{60, 40, 70}}
	assert.Equal(t, "0.60", ratio(r.Tool, r.Hand))
	assert.InDelta(t, 0.35, r.Best(), 1e-9)
	assert.Equal(t, 2.0, median([]float64{3, 1, 2, 9}))
}
