package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A run that is not as expected says why, or nobody could tell.
func TestAFailedRunTellsItsWords(t *testing.T) {
	_, _, err := run(t.Context(), "go", "no-such-verb")
	assert.ErrorContains(t, err, "unknown command")
}
