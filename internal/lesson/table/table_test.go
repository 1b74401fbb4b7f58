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

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/test/faults"
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
		"no step":              {"[]", "it lists nothing"},
		"empty":                {"", "it lists nothing"},
		"no list":              {"step: 01-a", "cannot unmarshal"},
		"no tries":             {"- step: 01-a\n", "has no tries"},
		"for one builder":      {"- step: 01-a\n  tries: [{dockerfile: D, needs: buildkit, expect: {outcome: runs}}]\n", "every builder"},
		"odd name":             {"- step: ../x\n", "two digits and words"},
		"outcome":              {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: works}}]\n", "not runs or fails"},
		"failure unexplained":  {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: fails}}]\n", "needs its phase and its cause"},
		"success with a cause": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs, cause: x}}]\n", "has no cause"},
		"a Dockerfile outside": {"- step: 01-a\n  tries: [{dockerfile: ../D, expect: {outcome: runs}}]\n", "no name of a Dockerfile"},
		"size":                 {"- step: 01-a\n  article_size: big\n", "steps.yaml:2: \"big\" is no size"},
		"twice":                {"- &a\n  step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n- *a\n", "is there twice"},
		"unknown trait": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n  on: {bsd: {why: x, expect: " +
			"{outcome: runs}}}\n", "none of [no-adduser cgo-off glibc]"},
		"trait unexplained": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n  on: {glibc: {expect: {outcome: " +
			"runs}}}\n", "the reason is missing"},
		"trait without end": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs}}]\n  on: {glibc: " +
			"{why: x}}\n", "not runs or fails"},
		"layers of nothing": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs, same_layers_as: " +
			"02-b}}]\n", "which is no step"},
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

func TestABaseChangesTheStepsThatTurnOnIt(t *testing.T) {
	steps, err := Load("../../../steps")
	require.NoError(t, err)
	third := func(traits ...Trait) (Step, Expectation) {
		step, _ := Find(On(steps, traits), "3")
		return step, step.Main().Expect
	}

	step, expect := third()
	assert.Equal(t, "/lib/ld-musl-x86_64.so.1", expect.Missing.On("amd64"))
	assert.Contains(t, step.Why, "names a loader")

	step, expect = third(Glibc)
	assert.Equal(t, "/lib64/ld-linux-x86-64.so.2", expect.Missing.On("amd64"))
	assert.Contains(t, step.Why, "glibc")

	step, expect = third(Glibc, CgoOff)
	assert.Equal(t, Runs, expect.Outcome, "without cgo the C library does not matter")
	assert.Contains(t, step.Why, "1.20")

	for _, step := range On(steps, []Trait{Glibc, CgoOff, NoAdduser}) {
		for _, try := range step.Tries {
			assert.Equal(t, Build, try.Expect.Phase, "%s (%s): no step gets past RUN adduser", step.Name, try.Dockerfile)
		}
	}
	_, expect = third()
	assert.Equal(t, Fails, expect.Outcome, "the table itself stays as it is")

	second, _ := Find(On(steps, []Trait{CgoOff}), "2")
	assert.Equal(t, doctor.MissingShell, second.Main().Expect.Cause, "cgo has no part in step 2")
}

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
	tried, answer := 0, ""
	var most uint64
	for name, c := range map[string]struct{ text, says string }{
		"an unknown key":   {"- step: 01-a\n  colour: red\n", ":2: field colour not found"},
		"one further down": {"- step: 01-a\n" + try + "  on:\n    glibc:\n      whi: x\n", ":5: field whi not found"},
		"a wrong type":     {"- step: [1]\n", ":1: cannot unmarshal !!seq"},
		"a list for a map": {"- step: 01-a\n  tries: {a: b}\n", ":2: cannot unmarshal !!map"},
		"a number for a truth": {"- step: 01-a\n  tries: [{dockerfile: D, expect: {outcome: runs, numeric_user: 7}}]\n",
			":2: cannot unmarshal !!int `7`"},
		"a key twice":          {"- step: 01-a\n  title: a\n  title: b\n", `:3: mapping key "title" already defined at line 2`},
		"a step twice":         {"- step: 01-a\n" + try + "- step: 01-a\n" + try, ":3: 01-a is there twice"},
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
		if name == "an unknown key" {
			_, answer, _ = strings.Cut(err.Error(), dir)
		}
		assert.NotContains(t, err.Error(), "\n", name)
		assert.Less(t, len(err.Error()), 300, name)
	}
	assert.Less(t, most, uint64(128<<20), "bytes allocated by one of them")
	faults.Row(t, "tables of steps with unknown keys, wrong types, duplicates, alias bombs, too much of it",
		"%d tables, each refused in a line that names the file, such as %q; %d MB at most", tried, answer, most>>20)
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
	assert.ErrorContains(t, err, ExerciseTable+":3: 01-a is there twice")
}
