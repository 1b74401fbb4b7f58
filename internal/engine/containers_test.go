package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What the engine's program says for itself is no line of the container's log.
func TestALogIsTheContainersLines(t *testing.T) {
	assert.Equal(t, "[GIN-debug] Listening\n\n2020-01-01T00:00:00Z its own time\nthe last",
		stamped("WARNING: Error parsing config file\n"+
			"2026-11-24T20:10:00.123456789Z [GIN-debug] Listening\n"+ // docker
			"2026-11-24T20:10:00.123456789+01:00 \n"+ // podman, and an empty line
			"2026-11-24T20:10:00.123456789Z 2020-01-01T00:00:00Z its own time\n"+
			"2026-11-24T20:10:00Z the last"))
	assert.Empty(t, stamped("WARNING: nothing\n"))
}

func TestNoTagIsTooLong(t *testing.T) {
	long := strings.Repeat("registry.example/a-long-name:", 9)
	assert.Equal(t, "06-nonroot-scratch-ghcr.io-a-b-1", Tag("06-nonroot-scratch-ghcr.io/a/b:1"))
	assert.Len(t, Tag(long), 128)
	assert.NotEqual(t, Tag(long+"1"), Tag(long+"2"), "what is cut off still counts")
}
