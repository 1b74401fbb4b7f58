package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// elsewhere runs all steps on another engine, or with another builder, chosen by
// env: what the article's steps do there must be what they do here.
func elsewhere(t *testing.T, env ...string) record.Run {
	t.Helper()
	_, of := ranSteps(t)
	command := tool.Program(t, "run", "all", "--json")
	command.Env = append(append(command.Env, "OPTIMIZING_DOCKERFILE_CACHE="+t.TempDir()), env...)
	doc, code := tool.DocumentOf(t, command)
	require.Equal(t, tool.Expected, code, "%s %v", doc.Reason, tool.Reasons(doc))
	require.Len(t, doc.Steps, len(of))
	for _, o := range doc.Steps {
		other := of[o.Step+" "+o.Dockerfile]
		assert.Equal(t,
			[]string{other.Outcome, other.Phase, other.Cause, other.Missing, other.User, other.Libc, other.Verdict},
			[]string{o.Outcome, o.Phase, o.Cause, o.Missing, o.User, o.Libc, o.Verdict}, "%s (%s): %v", o.Step, o.Dockerfile, o.Reasons)
	}
	return doc
}

func TestTheVerdictsAreTheSameWithBuildKit(t *testing.T) {
	if e := engines.Engine(t); e.Name != "docker" {
		t.Skip("SKIPPED: BuildKit is docker's")
	}
	config := withBuildx(t)
	doc := elsewhere(t, "DOCKER_CONFIG="+config, "DOCKER_BUILDKIT=1")
	assert.Equal(t, engine.BuildKit, doc.Engine.Builder)
}

// withBuildx gives a DOCKER_CONFIG whose docker has the plugin buildx.
func withBuildx(t *testing.T) string {
	t.Helper()
	config := t.TempDir()
	plugins := filepath.Join(config, "cli-plugins")
	require.NoError(t, os.Mkdir(plugins, 0o755))
	build := exec.Command("go", "build", "-o", filepath.Join(plugins, "docker-buildx"), ".")
	build.Dir = "testdata/buildx"
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return config
}
