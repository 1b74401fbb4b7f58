package engine

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEngineIsHereWhereHostAndKernelAreThisMachines(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	require.NoError(t, err)
	kernel := strings.TrimSpace(string(release))
	assert.True(t, here(host, kernel))
	assert.False(t, here("another", kernel), "another machine, updated as this one is")
	assert.False(t, here(host, "6.10.14-linuxkit"), "a virtual machine of its own")
	assert.False(t, here("", ""), "an engine that says neither")
}
