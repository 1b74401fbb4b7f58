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
	}, true)
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Fatalf("%q is sent:\n%q", r, out.String())
		}
	}
	assert.Contains(t, out.String(), "␛[2J")
}

// What a learner is to find is not told before it is asked for: the engine's words and a hint come first.
func TestTheProofWaitsForItsQuestion(t *testing.T) {
	no := false
	report := &Report{Said: "exec /echo: no such file or directory", Goals: []Goal{{ID: Starts, Met: &no, Proof: "its loader is not there", Hint: "look inside"}}}
	for why, wanted := range map[bool]bool{false: false, true: true} {
		var out bytes.Buffer
		Tell(&tell.Terminal{Writer: &out, Width: 80}, report, why)
		assert.Contains(t, out.String(), "The engine says: exec /echo: no such file or directory")
		assert.Contains(t, out.String(), "Hint: look inside")
		assert.Equal(t, wanted, bytes.Contains(out.Bytes(), []byte("its loader is not there")))
	}
}
