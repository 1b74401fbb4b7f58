package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/guest"
)

// Another daemon, as far away as one on another machine: its published ports
// cannot be reached from here, so the echo is asked for through the engine.
func TestTheVerdictsAreTheSameOverDOCKERHOST(t *testing.T) {
	if e := engines.Engine(t); e.Name != "docker" {
		t.Skip("SKIPPED: the daemon of the test's own is docker's")
	}
	ranSteps(t) // which sees to the base
	own := engines.OwnDaemon(t)
	own.Load(t, guest.StandIn)
	doc := elsewhere(t, "DOCKER_HOST="+own.Host)
	here, err := engine.Find(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, here.Storage, doc.Engine.Storage, "it was the other daemon")
	assert.Empty(t, own.Docker(t, "ps", "--all", "--quiet"))
}

func TestTheVerdictsAreTheSameWithPodman(t *testing.T) {
	engines.Engine(t)
	env := withPodman(t)
	podman := func(args ...string) *exec.Cmd {
		command := exec.Command("podman", args...)
		command.Env = append(os.Environ(), env...)
		return command
	}
	ranSteps(t)
	carried := filepath.Join(t.TempDir(), "base.tar")
	out, err := exec.Command("docker", "save", "--output", carried, guest.StandIn).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = podman("load", "--input", carried).CombinedOutput()
	require.NoError(t, err, "%s", out)
	doc := elsewhere(t, env...)
	assert.Equal(t, []string{"podman", engine.Buildah}, []string{doc.Engine.Name, doc.Engine.Builder})
	out, err = podman("ps", "--all", "--quiet").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Empty(t, string(out))
}

// withPodman gives the environment in which podman is the engine, with a storage
// of the test's own, and asks of the machine as little as podman can: crun, for
// one, refuses cgroups that are half of the old kind.
func withPodman(t *testing.T) []string {
	t.Helper()
	if _, err := exec.LookPath("podman"); err != nil {
		engines.Without(t, "podman is not on PATH")
	}
	dir, err := os.MkdirTemp("", "od-podman-")
	require.NoError(t, err)
	t.Cleanup(func() { engines.Discard(dir) })
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	storage := write("storage.conf", fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", dir+"/graph", dir+"/run"))
	containers := write("containers.conf", "[containers]\ndefault_ulimits = []\n[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\n")
	return []string{"CONTAINER_ENGINE=podman", "CONTAINERS_STORAGE_CONF=" + storage, "CONTAINERS_CONF=" + containers, "BUILDAH_ISOLATION=chroot"}
}
