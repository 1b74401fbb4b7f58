package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/classroom/check"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/engines/warm"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

// The tool on every engine that people have: the same verdicts, sizes and grades.
func TestEveryEngine(t *testing.T) {
	e := engines.Engine(t)
	behind, today := warm.Base(t, e, "../..", "article"), warm.Base(t, e, "../..", "today-alpine")
	exercises, err := table.LoadExercises("../../workshop/exercises")
	require.NoError(t, err)
	base := guest.Base(t)
	fetchesTheDriver(t)
	ranSteps(t) // what they do here is what all are compared with
	holds := func(t *testing.T, c engines.Client) {
		c.Load(t, base)
		t.Run("run all", func(t *testing.T) { runsAll(t, c) })
		c.Load(t, behind)
		t.Run("check of step 6", func(t *testing.T) {
			report, code := checked(t, c, "steps/06-nonroot-scratch")
			assert.True(t, report.Met, goalsOf(report))
			assert.Equal(t, tool.Expected, code)
		})
		legacy := c.Builder == engine.Legacy
		if legacy || c.Name == "docker 29" { // each builder does everything once, or in short tests its share
			does := func(its bool, name string, test func(t *testing.T)) {
				if its || !testing.Short() {
					t.Run(name, test)
				}
			}
			for i, exercise := range exercises {
				does(legacy == (i%2 == 0), "check of "+exercise.Name, func(t *testing.T) { checksExercise(t, c, exercise, behind) })
			}
			c.Load(t, today)
			does(legacy, "demos", func(t *testing.T) { showsTheDemos(t, on(t, c, "run", "demos", "--json")) })
			does(legacy, "judge", func(t *testing.T) { judgesTheImages(t, on(t, c, "run", "judge", "--json")) })
			does(!legacy, "beyond", func(t *testing.T) { doWhatLessonsSay(t, on(t, c, "run", "beyond", "--base", behind, "--json")) })
			does(legacy, "today", func(t *testing.T) { breaksToday(t, on(t, c, "run", "today", "--base", today, "--json")) })
		}
		if c.Name == "docker 29" {
			check := func(args ...string) *exec.Cmd {
				return c.Command("docker", append([]string{"build", "--check"}, args...)...)
			}
			t.Run("build --check", func(t *testing.T) { saysOfDockerfiles(t, check, base) })
		}
		t.Run("loopback only", func(t *testing.T) { refusesLoopbackOnly(t, c, behind) })
		if !c.Shared {
			t.Run("clean", func(t *testing.T) { cleansUp(t, c) })
		}
	}
	for machine, clients := range engines.Machines(t) { // engines do not see each other: they go side by side
		t.Run(machine, func(t *testing.T) {
			t.Parallel()
			for _, c := range clients {
				t.Run(c.Name, func(t *testing.T) { holds(t, c) })
			}
		})
	}
}

// isToday says whether an engine is the docker of today, from wherever it is looked at.
func isToday(c engines.Client) bool { return strings.HasPrefix(c.Name, "docker 29") }

// on is the program beside an engine.
func on(t *testing.T, c engines.Client, args ...string) *exec.Cmd {
	t.Helper()
	self := tool.Program(t)
	command := c.Command(self.Path, args...)
	command.Dir = self.Dir
	return command
}

// runsAll runs all steps: what they do on another engine must be what they do on
// this one, and an image is as large as its layers are.
func runsAll(t *testing.T, c engines.Client) {
	_, of := ranSteps(t)
	doc, code := tool.DocumentOf(t, on(t, c, "run", "all", "--json"))
	assert.Equal(t, tool.Expected, code, "%s %v", doc.Reason, tool.Reasons(doc))
	require.NotNil(t, doc.Engine)
	assert.Equal(t, []string{c.Program, c.Builder}, []string{doc.Engine.Name, doc.Engine.Builder})
	require.Len(t, doc.Steps, len(of))
	for _, o := range doc.Steps {
		other := of[o.Step+" "+o.Dockerfile]
		assert.Equal(t,
			[]any{other.Outcome, other.Phase, other.Cause, other.Missing, other.User, other.Libc, run.AsExpected},
			[]any{o.Outcome, o.Phase, o.Cause, o.Missing, o.User, o.Libc, o.Verdict}, "%s (%s): %v", o.Step, o.Dockerfile, o.Reasons)
		if assert.NotNil(t, o.Image, o.Step) {
			assert.Equal(t, savedBytes(t, c, tagOf(o)), o.Image.Bytes, "%s (%s): its size is that of the files in its layers", o.Step, o.Dockerfile)
		}
	}
	if !c.Shared {
		assert.Empty(t, containersIn(t, c), "no container of ours is left")
	}
}

// tagOf gives the name of the image that a try built.
func tagOf(o run.Outcome) string {
	for i, word := range o.Commands[0] {
		if word == "--tag" || word == "-t" {
			return o.Commands[0][i+1]
		}
	}
	return ""
}

// checked runs `check` on a folder, and gives its document and its status.
func checked(t *testing.T, c engines.Client, dir string) (report check.Report, code int) {
	t.Helper()
	command := on(t, c, "check", dir, "--json")
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	require.NoError(t, json.Unmarshal(out, &report), "%s", out)
	if report.Image != "" && strings.HasPrefix(dir, os.TempDir()) {
		t.Cleanup(func() { c.Command(c.Program, "rmi", "--no-prune", report.Image).Run() }) // its folder is gone, too
	}
	return report, command.ProcessState.ExitCode()
}

// goalsOf is what a report says of each goal.
func goalsOf(report check.Report) string {
	said := report.Reason
	for _, goal := range report.Goals {
		met := "?"
		if goal.Met != nil {
			met = map[bool]string{true: "yes", false: "NO"}[*goal.Met]
		}
		said += "\n" + goal.ID + " " + met + ": " + goal.Proof
	}
	return said
}

// goalMet says of one goal whether it is met; nil where nobody can tell.
func goalMet(report check.Report, id string) *bool {
	for _, goal := range report.Goals {
		if goal.ID == id {
			return goal.Met
		}
	}
	return nil
}

// onWarm copies a folder with its build context for a learner to build on the warm base, and changes files of it.
func onWarm(t *testing.T, dir, from, base string, change func(file, text string) string) string {
	t.Helper()
	mine := t.TempDir()
	require.NoError(t, os.CopyFS(mine, os.DirFS(from)))
	for _, file := range []string{"Dockerfile", "main.go"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if errors.Is(err, os.ErrNotExist) {
			text, err = os.ReadFile(filepath.Join(from, file))
		}
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		changed := strings.ReplaceAll(string(text), "golang:1.15.7-alpine3.13", base)
		if change != nil {
			changed = change(file, changed)
		}
		require.NoError(t, os.WriteFile(filepath.Join(mine, file), []byte(changed), 0o644))
	}
	return mine
}

// checksExercise sees the exercise fail for its cause, and its solution meet every goal.
func checksExercise(t *testing.T, c engines.Client, exercise table.Exercise, base string) {
	dir := onWarm(t, exercise.Dir, exercise.Context, base, nil)
	report, code := checked(t, c, dir)
	if isToday(c) && exercise.Cause == "user-cannot-execute" {
		// Today's dockerd has a user who is not root execute with all capabilities of the container,
		// and loses them after that only: to CAP_DAC_OVERRIDE no program is closed.
		assert.True(t, report.Met, goalsOf(report))
	} else {
		assert.Equal(t, tool.Unexpected, code, goalsOf(report))
		assert.Equal(t, exercise.Cause, report.Cause, goalsOf(report))
		met := goalMet(report, exercise.Goal)
		require.NotNil(t, met, goalsOf(report))
		assert.False(t, *met, goalsOf(report))
	}

	solved, err := exercise.Solved()
	require.NoError(t, err)
	solved = strings.ReplaceAll(solved, "golang:1.15.7-alpine3.13", base)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(solved), 0o644))
	report, code = checked(t, c, dir)
	assert.True(t, report.Met, goalsOf(report))
	assert.Equal(t, tool.Expected, code)
}

// refusesLoopbackOnly changes step 6's app to listen where nobody outside of its
// container hears it, the commonest fault of real life: it does not count as running.
func refusesLoopbackOnly(t *testing.T, c engines.Client, base string) {
	deaf := func(file, text string) string {
		if file == "main.go" {
			require.Contains(t, text, `r.Run(":" + port)`)
			text = strings.Replace(text, `r.Run(":" + port)`, `r.Run("127.0.0.1:" + port)`, 1)
		}
		return text
	}
	steps := tool.StepsWith(t, "06", "main.go", func(text string) string { return deaf("main.go", text) })
	doc, code := tool.DocumentOf(t, on(t, c, "run", "6", "--json", "--steps", steps, "--base", base))
	assert.Equal(t, tool.Unexpected, code, "%s %v", doc.Reason, tool.Reasons(doc))
	tries := doc.Of("06-nonroot-scratch")
	require.NotEmpty(t, tries, doc.Reason)
	last := tries[len(tries)-1]
	t.Cleanup(func() { c.Command(c.Program, "rmi", "--no-prune", tagOf(last)).Run() })
	assert.Equal(t, []any{table.Fails, table.Serve, run.LoopbackOnly, run.Unexpected},
		[]any{last.Outcome, last.Phase, last.Cause, last.Verdict}, last.Reasons)
	assert.Contains(t, fmt.Sprint(last.Proof), "/proc/net/tcp", "beside what the doctor proves")

	const sixth = "../../steps/06-nonroot-scratch"
	report, code := checked(t, c, onWarm(t, sixth, sixth, base, deaf))
	assert.Equal(t, tool.Unexpected, code, goalsOf(report))
	assert.Equal(t, run.LoopbackOnly, report.Cause, goalsOf(report))
	starts, answers := goalMet(report, check.Starts), goalMet(report, check.Answers)
	require.True(t, starts != nil && answers != nil, goalsOf(report))
	assert.Equal(t, []bool{true, false}, []bool{*starts, *answers}, goalsOf(report))
}

// cleansUp has an engine that holds nothing but ours be as empty as it came.
func cleansUp(t *testing.T, c engines.Client) {
	out, err := on(t, c, "clean").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Empty(t, containersIn(t, c))
	left := c.Docker(t, "images", "--all", "--format", "{{.Repository}}")
	if c.Program == "podman" { // the images without a name are its build cache, which stays
		assert.NotContains(t, left, engine.Repository, "%s", out)
	} else {
		assert.Empty(t, left, "%s", out)
	}
}

// containersIn lists what containers there are: of an engine that is nobody else's, all are ours.
func containersIn(t *testing.T, c engines.Client) string {
	t.Helper()
	return c.Docker(t, "ps", "--all", "--format", "{{.Names}} {{.Image}} {{.Status}} {{.Labels}}")
}

// A bundle made on an engine of today is loaded on one of 2020, and the other way round.
func TestABundleGoesFromOneEngineToAnother(t *testing.T) {
	engines.Engine(t)
	base := guest.Base(t)
	old, today := engines.OwnDaemon(t), engines.Docker29(t)
	today.Load(t, base)
	steps := "all"
	if testing.Short() {
		steps = "3" // one compile
	}
	file := filepath.Join(t.TempDir(), "optimizing-dockerfile.tar")
	for _, way := range []struct {
		name       string
		from, into engines.Client
	}{{"to the old", today.Client, old.Client}, {"and back", old.Client, today.Client}} {
		t.Run(way.name, func(t *testing.T) {
			out, err := on(t, way.from, "bundle", file).CombinedOutput()
			require.NoError(t, err, "%s", out)
			into := way.into
			into.Env = append(into.Env, "OPTIMIZING_DOCKERFILE_CACHE="+t.TempDir())
			if images := strings.Fields(into.Docker(t, "images", "--all", "--quiet")); len(images) > 0 {
				into.Docker(t, append([]string{"rmi", "--force"}, images...)...) // as empty as a learner's
			}
			load := on(t, into, "load", file)
			load.Dir = t.TempDir()
			out, err = load.CombinedOutput()
			require.NoError(t, err, "%s", out)
			doc, code := tool.DocumentOf(t, on(t, into, "run", steps, "--json"))
			assert.Equal(t, tool.Expected, code, "%s %v", doc.Reason, tool.Reasons(doc))
			require.NotNil(t, doc.Base, doc.Reason)
			assert.Equal(t, "loaded", doc.Base.Source)
		})
	}
}
