package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/classroom/check"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/engines/warm"
)

// A right answer need not be ours: whoever repairs the script has solved the exercise.
func TestAnExerciseIsJudgedByItsOwnGoal(t *testing.T) {
	e := engines.Engine(t)
	exercise, ok := table.ExerciseAt("../../workshop/exercises/05-windows-line-ends")
	require.True(t, ok)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(exercise.Dir)))
	script := filepath.Join(dir, "start.sh")
	text, err := os.ReadFile(script)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(script, []byte(strings.ReplaceAll(string(text), "\r", "")), 0o755))
	checker := &check.Checker{Engine: e, Catalog: warm.Catalog(t, e, "../..")}
	report, err := checker.Do(t.Context(), check.Request{Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile")})
	require.NoError(t, err)
	defer e.Output(context.Background(), "image", "rm", "--no-prune", report.Image)
	report.For(exercise)
	assert.True(t, report.Solves.Met, "%+v", report)
	assert.False(t, report.Met, "a shell is still in the image")
}

// Each exercise still fails, for the cause that the table names, and its solution
// meets every goal. TestEveryEngine holds it with each builder.
func TestExercises(t *testing.T) {
	e := engines.Long(t)
	exercises, err := table.LoadExercises("../../workshop/exercises")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(exercises), 6)
	recorded, err := record.Read("../../workshop", "article")
	require.NoError(t, err)
	sameWords := recorded.Engine.Version == e.Version && recorded.Engine.Runtime == e.Runtime // others say it differently
	checker := &check.Checker{Engine: e, Catalog: warm.Catalog(t, e, "../..")}
	for _, exercise := range exercises {
		t.Run(exercise.Name, func(t *testing.T) {
			report, err := checker.Do(t.Context(), check.Request{Dir: exercise.Context, Dockerfile: filepath.Join(exercise.Dir, "Dockerfile")})
			require.NoError(t, err)
			require.Empty(t, report.Reason)
			report.For(exercise)
			assert.False(t, report.Solves.Met)
			assert.False(t, report.Met)
			assert.Equal(t, exercise.Cause, report.Cause)
			if sameWords && exercise.Goal == check.Starts {
				assert.Contains(t, report.Said, exercise.Says)
			}
			for _, goal := range report.Goals {
				if goal.ID == exercise.Goal {
					require.NotNil(t, goal.Met, goal.Proof)
					assert.False(t, *goal.Met, goal.Proof)
				}
			}
		})
		t.Run(exercise.Name+" solved", func(t *testing.T) {
			report, err := checker.Do(t.Context(), check.Request{Dir: exercise.Context, Dockerfile: filepath.Join(exercise.Dir, table.Solution)})
			require.NoError(t, err)
			said := report.Reason
			for _, goal := range report.Goals {
				said += fmt.Sprintf("\n%s: %s", goal.ID, goal.Proof)
			}
			assert.True(t, report.Met, said)
		})
	}
}
