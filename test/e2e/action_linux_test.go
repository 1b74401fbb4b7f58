package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// The action's shell lines, run as a runner would: they build the tool from its folder, and show an exercise's fault.
func TestTheActionsLinesRun(t *testing.T) {
	engines.Engine(t)
	text, err := os.ReadFile(filepath.Join(tool.Root(), "action.yml"))
	require.NoError(t, err)
	var action struct {
		Runs struct {
			Using string
			Steps []struct{ Shell, Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &action))
	require.Equal(t, "composite", action.Runs.Using)
	sarif := filepath.Join(t.TempDir(), "log.sarif")
	for _, file := range []string{"", sarif} {
		var out []byte
		for i, step := range action.Runs.Steps {
			require.Equal(t, "bash", step.Shell)
			assert.NotContains(t, step.Run, "${{", "text of others in a shell's line")
			command := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
			command.Dir = tool.Root()
			command.Env = append(os.Environ(),
				"GITHUB_ACTION_PATH="+tool.Root(), "CHECK_PATH=workshop/exercises/01-bin-sh", "CHECK_SARIF="+file)
			if out, err = command.CombinedOutput(); i == 0 {
				require.NoError(t, err, "%s", out)
			} else {
				assert.Equal(t, tool.Unexpected, command.ProcessState.ExitCode(), "%s", out)
			}
		}
		if file == "" {
			assert.Regexp(t, `(?m)^::error file=workshop/exercises/01-bin-sh/Dockerfile,line=\d+,title=starts is not met::`, string(out))
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, string(text), `"version": "2.1.0"`)
	}
}
