package engine

import (
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
