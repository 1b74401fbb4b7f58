package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNoTagIsTooLong(t *testing.T) {
	long := strings.Repeat("registry.example/a-long-name:", 9)
	assert.Equal(t, "06-nonroot-scratch-ghcr.io-a-b-1", Tag("06-nonroot-scratch-ghcr.io/a/b:1"))
	assert.Len(t, Tag(long), 128)
	assert.NotEqual(t, Tag(long+"1"), Tag(long+"2"), "what is cut off still counts")
}
