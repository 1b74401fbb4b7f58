package table

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheRepoTableIsSound(t *testing.T) {
	steps, err := Load("../../../steps")
	require.NoError(t, err)
	require.Len(t, steps, 6)
	for _, step := range steps {
		for _, text := range []string{step.Title, step.Change, step.Why, step.Hints.Starts, step.Article} {
			assert.NotEmpty(t, text, step.Name)
		}
		for _, try := range step.Tries {
			assert.FileExists(t, filepath.Join(step.Dir, try.Dockerfile))
		}
	}
	assert.Equal(t, Size(392_000_000), steps[0].ArticleSize)
	assert.Equal(t, "/lib/ld-musl-aarch64.so.1", steps[2].Main().Expect.Missing.On("arm64"))
	assert.Equal(t, "/bin/sh", steps[1].Main().Expect.Missing.On("arm64"), "one word holds for every machine")
}

func TestFindsAStepByEveryName(t *testing.T) {
	steps, err := Load("../../../steps")
	require.NoError(t, err)
	for _, word := range []string{"3", "03", "exec-form", "03-exec-form"} {
		step, ok := Find(steps, word)
		require.True(t, ok, word)
		assert.Equal(t, "03-exec-form", step.Name, word)
	}
	for _, word := range []string{"9", "0", "-3", "", "exec", "3-exec-form", "03-", "١"} {
		_, ok := Find(steps, word)
		assert.False(t, ok, word)
	}
}

// What a table cannot mean must not pass for an expectation.
func TestRefusesATableThatMakesNoSense(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"unknown key":          {"- step: 01-a\n  colour: red\n", "steps.yaml:2: field colour not found"},
		"unknown expectation":  {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs, usr: 1}}]\n", "field usr not found"},
		"no step":              {"[]", "names no step"},
		"empty":                {"", "names no step"},
		"no list":              {"step: 01-a", "cannot unmarshal"},
		"no tries":             {"- step: 01-a\n", "has no tries"},
		"odd name":             {"- step: ../x\n", "two digits and words"},
		"outcome":              {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: works}}]\n", "not runs or fails"},
		"failure unexplained":  {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: fails}}]\n", "needs its phase and its cause"},
		"success with a cause": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs, cause: x}}]\n", "has no cause"},
		"a Dockerfile outside": {"- step: 01-a\n  tries: [{dockerfile: ../D, expect: {outcome: runs}}]\n", "no name of a Dockerfile"},
		"size":                 {"- step: 01-a\n  article_size: big\n", "steps.yaml:2: \"big\" is no size"},
		"twice":                {"- &a\n  step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n- *a\n", "is there twice"},
		"unknown trait":        {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n  on: {bsd: {why: x, expect: {outcome: runs}}}\n", "none of [no-adduser cgo-off glibc]"},
		"trait unexplained":    {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n  on: {glibc: {expect: {outcome: runs}}}\n", "the reason is missing"},
		"trait without end":    {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n  on: {glibc: {why: x}}\n", "not runs or fails"},
		"layers of nothing":    {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs, same_layers_as: 02-b}}]\n", "which is no step"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, Table), []byte(c.text), 0o644))
			_, err := Load(dir)
			require.Error(t, err)
			assert.Contains(t, err.Error(), Table)
			assert.Contains(t, err.Error(), c.says)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}
