package page

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the texts show of Dockerfiles, diffs, outputs and figures is what the files and records say.
func TestNoPageIsStale(t *testing.T) {
	stale, err := Stale("../../..")
	require.NoError(t, err)
	assert.Empty(t, stale, "`go run ./scripts sync` writes them anew")
}
