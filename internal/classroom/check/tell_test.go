package check

import (
	"bytes"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/lesson/tell"
)

// What a Dockerfile's program says cannot steer the learner's terminal.
func TestAReportIsHarmless(t *testing.T) {
	const evil = "\x1b[2J\x1b]0;t\a\r\b\u009b31m\u202e"
	no := false
	var out bytes.Buffer
	Tell(&tell.Terminal{Writer: &out, Width: 80}, &Report{
		Goals: []Goal{{ID: Starts, Met: &no, Proof: evil, Hint: evil}},
		Notes: []string{evil}, Said: evil, Reason: evil, Image: evil, Cause: evil,
	})
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Fatalf("%q is sent:\n%q", r, out.String())
		}
	}
	assert.Contains(t, out.String(), "␛[2J")
}
