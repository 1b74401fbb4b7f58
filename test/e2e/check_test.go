package e2e

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"optimizing-dockerfile/internal/classroom/check"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/engines/warm"
)

// learner makes a folder as a learner has it: the app, the account files, one Dockerfile.
func learner(t *testing.T, dockerfile []byte) check.Request {
	t.Helper()
	dir := t.TempDir()
	steps := "../../steps/"
	for _, from := range []string{"01-single-stage/main.go", "01-single-stage/go.mod", "01-single-stage/go.sum", "06-nonroot-scratch/passwd",
		"06-nonroot-scratch/group", "01-single-stage/.dockerignore"} {
		text, err := os.ReadFile(steps + from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(from)), text, 0o644))
	}
	r := check.Request{Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile")}
	require.NoError(t, os.WriteFile(r.Dockerfile, dockerfile, 0o644))
	return r
}

// Dockerfiles of many styles: the good ones meet every goal, each bad one fails
// the goal that its name begins with, and no other; and what the environment
// cannot give is never held against the Dockerfile.
func TestDockerfiles(t *testing.T) { checkDockerfiles(t, engines.Engine(t)) }

func checkDockerfiles(t *testing.T, e *engine.Engine) {
	t.Helper()
	checker := &check.Checker{Engine: e, Catalog: warm.Catalog(t, e, "../..")}
	archive, err := txtar.ParseFile("testdata/dockerfiles.txtar")
	require.NoError(t, err)
	require.Greater(t, len(archive.Files), 30)
	tried := map[string]int{}
	for _, file := range archive.Files {
		goal := path.Dir(file.Name)
		if tried[goal]++; tried[goal] > 2 && testing.Short() {
			continue // each of them is a compile: the first two of a kind, unless all are asked for
		}
		t.Run(file.Name, func(t *testing.T) {
			request := learner(t, file.Data)
			report, err := checker.Do(t.Context(), request)
			require.NoError(t, err)
			if report.Image != "" {
				defer e.Output(context.Background(), "image", "rm", "--no-prune", report.Image) // its folder is gone, too
			}
			said := fmt.Sprintf("%s %v", report.Reason, report.Notes)
			var ids, failed, open []string
			for _, g := range report.Goals {
				ids = append(ids, g.ID)
				said += fmt.Sprintf("\n%s: %s", g.ID, g.Proof)
				assert.NotEmpty(t, g.Proof, g.ID)
				switch {
				case g.Met == nil:
					open = append(open, g.ID)
				case !*g.Met:
					failed = append(failed, g.ID)
					assert.NotEmpty(t, g.Hint, g.ID)
				}
			}
			assert.Equal(t, check.Goals, ids)
			switch goal {
			case "good":
				assert.True(t, report.Met, said)
				assert.Empty(t, open, said)
				assert.Empty(t, failed, said)
			case "environment": // an engine that can give it may find it good
				assert.Empty(t, failed, said)
				if !report.Met {
					assert.NotEmpty(t, report.Reason, said)
				}
			default:
				assert.False(t, report.Met, said)
				assert.Empty(t, report.Reason, said)
				assert.Equal(t, []string{goal}, failed, said)
			}
			if goal == "nothing-extra" || goal == "small" || goal == "accounts-read-only" {
				assert.Empty(t, open, "all else can be judged: %s", said)
			}
		})
	}
}
