package repo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/go/packages"
)

// The tool, and its tests, are right in their types on the systems that the tests
// do not run on. That takes seconds, where compiling for them takes minutes.
func TestItIsForWindowsAndMacOSToo(t *testing.T) {
	for _, system := range []string{"windows", "darwin"} {
		found, err := packages.Load(&packages.Config{
			Mode: packages.LoadAllSyntax, Tests: true, Env: append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
		}, "../../...")
		require.NoError(t, err)
		assert.Greater(t, len(found), 20)
		packages.Visit(found, nil, func(p *packages.Package) {
			assert.Empty(t, p.Errors, "%s on %s", p.PkgPath, system)
		})
	}
}

// What others could change under us is pinned, and a workflow may read and nothing else.
func TestTheWorkflowsArePinnedAndMayOnlyRead(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions any
				Steps       []struct {
					Uses, Run string
					With      map[string]any
				}
			}
		}
		require.NoError(t, yaml.Unmarshal(text, &workflow), file)
		assert.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions, file)
		for name, job := range workflow.Jobs {
			assert.Nil(t, job.Permissions, "%s: %s asks for more", file, name)
			for _, step := range job.Steps {
				assert.NotContains(t, step.Run, "${{", "%s: text of others in a shell's line", file)
				if step.Uses == "" {
					continue
				}
				assert.Regexp(t, pinned, step.Uses, file)
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], file)
				}
			}
		}
	}
}
