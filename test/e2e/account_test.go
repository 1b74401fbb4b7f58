package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/test/engines"
)

// The image has no passwd: nothing but the process itself could tell.
func TestTheKernelTellsWhomAContainerRunsAs(t *testing.T) {
	e := engines.Engine(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go":    "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n",
		"Dockerfile": "FROM scratch\nCOPY sleeper /\nUSER 12345:54321\nCMD [\"/sleeper\"]\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	compile := exec.Command("go", "build", "-o", "sleeper", "main.go")
	compile.Dir = dir
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+e.Arch)
	words, err := compile.CombinedOutput()
	require.NoError(t, err, string(words))
	image := engine.Repository + ":sleeper"
	_, err = e.Build(t.Context(), engine.BuildRequest{Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tag: image, Made: engine.MadeStep})
	require.NoError(t, err)
	t.Cleanup(func() { e.Call(context.Background(), "rmi", image) })

	const name = engine.Repository + "-sleeper"
	require.NoError(t, e.StartContainer(t.Context(), image, e.Platform(), name, "127.0.0.1:", false))
	defer e.Remove(t.Context(), name)
	container, err := e.Inspect(t.Context(), name)
	require.NoError(t, err)
	uid, gid, ok := e.Account(container)
	if !ok {
		engines.Without(t, "an engine whose processes this kernel shows, under their own numbers")
	}
	assert.Equal(t, []int{12345, 54321}, []int{uid, gid})

	container.ID = "another"
	_, _, ok = e.Account(container)
	assert.False(t, ok, "a process of another container")
}
