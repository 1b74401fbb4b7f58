package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// archives writes two images as tarballs: one that starts, and one that cannot.
func archives(t *testing.T) (good, bad string) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the corpus has programs for Linux on amd64 and arm64 only")
	}
	cases, _ := corpus.Cases()
	save := func(name string) string {
		for _, c := range cases {
			if c.Name == name {
				at := filepath.Join(t.TempDir(), name+".tar")
				f, err := os.Create(at)
				require.NoError(t, err)
				require.NoError(t, corpus.Save(f, map[string]corpus.Spec{"x:latest": c.Image}, nil))
				require.NoError(t, f.Close())
				return at
			}
		}
		t.Fatal("no case ", name)
		return ""
	}
	return save("plain"), save("shell-missing")
}

// The exit statuses and the first words are what scripts and people go by.
func TestDoctorVerb(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine") // a tarball needs none
	good, bad := archives(t)
	for _, c := range []struct {
		args   []string
		status int
		words  string
	}{
		{[]string{good}, tool.Expected, "STARTS"},
		{[]string{bad}, tool.Unexpected, "CANNOT START"},
		{[]string{bad, "--entrypoint", "/app"}, tool.Expected, "STARTS"},
		{[]string{good, "--user", "ghost"}, tool.Unexpected, "unknown-user"},
		{[]string{good, "--workdir", "/app"}, tool.Unexpected, "workdir-unusable"},
		{[]string{good, "--entrypoint", "", "--", "/nowhere"}, tool.Unexpected, "missing-entrypoint"},
		{[]string{good, "--entrypoint", ""}, tool.Unexpected, "no-command"},
		{[]string{good, "--", "an", "argument"}, tool.Expected, "STARTS"},
		{[]string{good, "--entrypoint", "/proc/self/exe"}, tool.Environment, "UNKNOWN"},
		{[]string{}, tool.Usage, "needs an image"},
		{[]string{good, bad}, tool.Usage, "one image"},
		{[]string{good, "--colour"}, tool.Usage, "--help"},
		{[]string{good + ":other"}, tool.Environment, "the archive has x:latest"},
		{[]string{"some-image"}, tool.Environment, "no container engine"},
	} {
		status, out, complaint := tool.Run(t, "", append([]string{"doctor"}, c.args...)...)
		assert.Equal(t, c.status, status, "%q: %s%s", c.args, out, complaint)
		assert.Contains(t, out+complaint, c.words, "%q", c.args)
		assert.LessOrEqual(t, strings.Count(out, "\n"), 24, "more than a screen: %s", out)
	}
}

func TestDoctorJSON(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	_, bad := archives(t)
	status, out, complaint := tool.Run(t, "", "doctor", bad, "--json")
	assert.Equal(t, tool.Unexpected, status)
	assert.Empty(t, complaint)
	var d map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	for _, field := range []string{"schema", "kind", "image", "id", "starts", "cause", "summary", "evidence", "fix", "argv", "user", "libc", "advice"} {
		assert.Contains(t, d, field)
	}
	assert.Equal(t, "missing-shell", d["cause"])
	assert.Equal(t, false, d["starts"])
	assert.Equal(t, map[string]any{"configured": "", "uid": 0.0, "gid": 0.0}, d["user"])
}

// The doctor leaves nothing in the engine, neither after a verdict nor after Ctrl-C.
func TestDoctorLeavesNothing(t *testing.T) {
	ctx := context.Background()
	e := engines.Engine(t)
	archives(t)
	cases, _ := corpus.Cases()
	images := map[string]corpus.Spec{corpus.Tag("leaves-nothing"): cases[0].Image}
	require.NoError(t, corpus.Load(ctx, e, images))
	defer corpus.Unload(ctx, e, images)
	ours := func() string {
		out, err := e.Output(ctx, "ps", "--all", "--quiet", "--filter", "ancestor="+corpus.Tag("leaves-nothing"))
		require.NoError(t, err)
		return out
	}
	status, out, complaint := tool.Run(t, "", "doctor", corpus.Tag("leaves-nothing"))
	assert.Equal(t, tool.Expected, status, out+complaint)
	assert.Empty(t, ours())

	for _, after := range []time.Duration{0, 40, 80, 160, 320} { // wherever it happens to be then
		command := tool.Program(t, "doctor", corpus.Tag("leaves-nothing"))
		require.NoError(t, command.Start())
		time.Sleep(after * time.Millisecond)
		command.Process.Signal(os.Interrupt)
		command.Wait()
		assert.Empty(t, ours())
	}
}
