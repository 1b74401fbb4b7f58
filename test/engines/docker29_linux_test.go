package engines_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/test/engines"
)

// The programs of today are built, and are those that the other tests rest on. It goes
// before the rest, so that no other test's time is spent on building them.
func TestTheEnginesOfTodayAreBuilt(t *testing.T) {
	engines.Engine(t)
	own := engines.Docker29(t)
	said := own.Docker(t, "info", "--format", "{{.ServerVersion}} {{.DriverStatus}} {{.SecurityOptions}} {{.RegistryConfig.Mirrors}}")
	for _, word := range []string{"v2.0.0-beta.24", "io.containerd.snapshotter.v1", "name=seccomp", engines.MirrorAddress} {
		assert.Contains(t, said, word)
	}
	assert.Contains(t, own.Docker(t, "buildx", "version"), "buildx")
	assert.Contains(t, own.Docker(t, "buildx", "ls"), "running")
	assert.Contains(t, engines.StartKubelet(t).What, "Kubernetes v1.37.2")
}
