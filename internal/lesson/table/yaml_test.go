package table

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/faults"
)

// bomb is a list of tries that many steps name: two thousand lines that stand for millions.
func bomb() string {
	text := "- step: 01-a\n  tries: &a\n" + strings.Repeat("  - dockerfile: D\n", 2000)
	for i := 2; i <= 2000; i++ {
		text += fmt.Sprintf("- {step: %02d-a, tries: *a}\n", i)
	}
	return text
}

// What somebody put into a table ends in one line that says what is wrong and
// where, at once and in little memory.
func TestFaultHostileTables(t *testing.T) {
	const try = "  tries: [{dockerfile: D, expect: {outcome: runs}}]\n"
	tried := 0
	var most uint64
	for name, c := range map[string]struct{ text, says string }{
		"an unknown key":       {"- step: 01-a\n  colour: red\n", ":2: field colour not found"},
		"one further down":     {"- step: 01-a\n" + try + "  on:\n    glibc:\n      whi: x\n", ":5: field whi not found"},
		"a wrong type":         {"- step: [1]\n", ":1: cannot unmarshal !!seq"},
		"a list for a map":     {"- step: 01-a\n  tries: {a: b}\n", ":2: cannot unmarshal !!map"},
		"a number for a truth": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs, numeric_user: 7}}]\n", ":2: cannot unmarshal !!int `7`"},
		"a key twice":          {"- step: 01-a\n  title: a\n  title: b\n", `:3: mapping key "title" already defined at line 2`},
		"a step twice":         {"- step: 01-a\n" + try + "- step: 01-a\n" + try, ":3: step 01-a is there twice"},
		"a step without sense": {"- step: 01-a\n" + try + "\n- step: 02-b\n", ":4: 02-b: has no tries"},
		"no YAML":              {"- step: [1\n", ":1: did not find expected"},
		"a tab":                {"- step: 01-a\n\ttitle: a\n", ":2: found a tab character"},
		"control characters":   {"- step: 01-a\n  title: \x01\n", "control characters are not allowed"},
		"no UTF-8":             {"- step: 01-a\n  title: \xff\n", "UTF-8"},
		"a second document":    {"- step: 01-a\n" + try + "---\n- step: 02-b\n", ":3: a second document begins here"},
		"an alias bomb":        {bomb(), "document contains excessive aliasing"},
		"an anchor in itself":  {"- &a {step: 01-a, tries: *a}\n", ":1: cannot unmarshal !!map"},
		"an unknown anchor":    {"- step: 01-a\n- *a\n", "unknown anchor 'a' referenced"},
		"merged keys":          {"- &a {step: 01-a, colour: red}\n- <<: *a\n", ":1: field colour not found"},
		"too deep":             {strings.Repeat("[", 100_000), "exceeded max depth"},
		"too many steps":       {strings.Repeat("- a\n", 20_000), ":1: cannot unmarshal !!str `a`"},
	} {
		tried++
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, Table), []byte(c.text), 0o644))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Load(dir)
		runtime.ReadMemStats(&after)
		most = max(most, after.TotalAlloc-before.TotalAlloc)
		if !assert.Error(t, err, name) {
			continue
		}
		assert.Contains(t, err.Error(), Table, name)
		assert.Contains(t, err.Error(), c.says, name)
		assert.NotContains(t, err.Error(), "\n", name)
		assert.Less(t, len(err.Error()), 300, name)
	}
	assert.Less(t, most, uint64(128<<20), "bytes allocated by one of them")
	faults.Row(t, "tables of steps with unknown keys, wrong types, duplicates, alias bombs, too much of it", "%d tables, each refused in a line that names the file; %d MB at most", tried, most>>20)
}

// What is no file is refused before it is read: a pipe would wait, a device would never end.
func TestATableIsARegularFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, Table), 0o755))
	_, err := Load(dir)
	assert.ErrorContains(t, err, "it is no regular file")
	if runtime.GOOS == "linux" {
		dir := t.TempDir()
		require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, Table)))
		_, err := Load(dir)
		assert.ErrorContains(t, err, "it is no regular file")
	}
}

func TestAnExerciseIsThereOnce(t *testing.T) {
	dir := t.TempDir()
	const one = "- {exercise: 01-a, title: t, goal: g, fix: f, solution: s, story: s, hints: [h]}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, ExerciseTable), []byte(one+"\n"+one), 0o644))
	_, err := LoadExercises(dir)
	assert.ErrorContains(t, err, ExerciseTable+":3: exercise 01-a is there twice")
}
