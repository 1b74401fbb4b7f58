package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// student is a person with an engine that holds nothing of ours, without a
// network, and without Go: with docker alone on PATH.
type student struct {
	*engines.Own
	home string
	env  []string
}

func newStudent(t *testing.T) student {
	l := student{Own: engines.OwnDaemon(t), home: t.TempDir()}
	l.env = []string{"PATH=" + dockerAlone(t), "HOME=" + l.home, "DOCKER_HOST=" + l.Host}
	return l
}

// does runs a program in the learner's folder dir, and returns what it printed and its exit status.
func (l student) does(t *testing.T, dir, name string, args ...string) (string, int) {
	command := l.Command(name, args...)
	command.Dir, command.Env = filepath.Join(l.home, dir), l.env
	out, err := command.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		return string(out) + string(exit.Stderr), exit.ExitCode()
	}
	require.NoError(t, err)
	return string(out), 0
}

// The whole way: the teacher bundles; a learner without a network, without Go and
// without any image loads, and all six steps do what the article shows.
func TestABundleIsAllThatALearnerNeeds(t *testing.T) {
	engines.Long(t)
	l := newStudent(t)
	file := filepath.Join(t.TempDir(), "optimizing-dockerfile.tar")
	out, err := tool.Program(t, "bundle", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	b, err := bundle.Open(file)
	require.NoError(t, err)
	defer b.Close()
	assert.Len(t, b.Tools, 6)

	// As from a stick, with nothing but tar.
	packed := "optimizing-dockerfile/bin/steps-linux-" + runtime.GOARCH
	require.NoError(t, exec.Command("tar", "xf", file, "-C", l.home, "--strip-components=2", packed).Run())
	steps := filepath.Join(l.home, filepath.Base(packed))

	t.Run("a flipped byte is refused, and nothing is loaded", func(t *testing.T) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		text[len(text)-len(text)/5] ^= 1 // in the image
		bad := filepath.Join(t.TempDir(), "bad.tar")
		require.NoError(t, os.WriteFile(bad, text, 0o644))
		said, code := l.does(t, "", steps, "load", bad)
		assert.Equal(t, tool.Environment, code)
		assert.Contains(t, said, "Nothing was loaded")
		assert.Empty(t, l.Docker(t, "images", "--all", "--quiet"))
		assert.NoDirExists(t, filepath.Join(l.home, bundle.Folder))
	})

	t.Run("load, and all six steps", func(t *testing.T) {
		said, code := l.does(t, "", steps, "load", filepath.Dir(file))
		require.Zero(t, code, said)
		assert.Contains(t, said, b.Sum)
		mine := filepath.Join(l.home, bundle.Folder, "bin", "steps")
		said, code = l.does(t, bundle.Folder, mine, "run", "all", "--json")
		var doc record.Run
		require.NoError(t, json.Unmarshal([]byte(said), &doc), said)
		assert.Equal(t, "loaded", doc.Base.Source)
		assert.Equal(t, run.AsExpected, doc.Verdict, doc.Reason)
		assert.Len(t, doc.Steps, 7)
		assert.Zero(t, code)

		said, code = l.does(t, "", mine, "run", "3") // from outside of its folder
		assert.Zero(t, code, said)
		assert.Contains(t, said, "Next: bin/steps run 4", "what it says to do next needs no Go")
		said, code = l.does(t, "", mine, "ready")
		assert.Zero(t, code, said)
		assert.Contains(t, said, "(loaded)")

		// Without what came with the bundle it is not ready, and says what to do.
		_, code = l.does(t, "", mine, "clean")
		assert.Zero(t, code)
		assert.Empty(t, l.Docker(t, "images", "--all", "--quiet"), "a loaded base goes with all else of ours")
		said, code = l.does(t, "", mine, "ready")
		assert.Equal(t, tool.Unexpected, code, said)
		assert.Contains(t, said, "LACK  base")
		assert.Contains(t, said, "bin/steps load BUNDLE")
	})

	t.Run("from the teacher's server, by the line that is pasted", func(t *testing.T) {
		server := tool.Program(t, "serve", file, "--addr", "127.0.0.1:0")
		server.Path, server.Args = l.Command(server.Path, server.Args[1:]...).Path, l.Command(server.Path, server.Args[1:]...).Args
		url := tool.Address(t, server)
		again := student{Own: l.Own, home: t.TempDir(), env: l.env}
		// Here the shell and curl are needed, as on any learner's machine; still no Go.
		again.env = append(again.env, "PATH="+withoutGo(t), "HOME="+again.home)
		said, code := again.does(t, "", "sh", "-c", "curl -fsS "+url+"/get.sh | sh")
		require.Zero(t, code, said)
		assert.Contains(t, said, b.Sum)
		left, err := filepath.Glob(filepath.Join(again.home, ".optimizing-dockerfile-*"))
		require.NoError(t, err)
		assert.Empty(t, left)
		said, code = again.does(t, bundle.Folder, filepath.Join(again.home, bundle.Folder, "bin", "steps"), "run", "2", "3")
		assert.Zero(t, code, said)
		assert.Contains(t, said, "All as in the article")
	})
}

// withoutGo is PATH with docker, and without any folder that holds go.
func withoutGo(t *testing.T) string {
	var folders []string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(folder, "go")); err != nil {
			folders = append(folders, folder)
		}
	}
	return strings.Join(folders, string(filepath.ListSeparator))
}

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
			command.Env = append(os.Environ(), "GITHUB_ACTION_PATH="+tool.Root(),
				"CHECK_PATH=workshop/exercises/01-bin-sh", "CHECK_SARIF="+file)
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
