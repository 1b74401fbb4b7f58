package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/engines"
)

// Of a run that was to leave its containers there, nobody may say that none is left.
func TestAStoppedRunSaysWhatIsLeft(t *testing.T) {
	engines.Scripted(t, `echo '{"ServerVersion":"29.0.0"}'`)
	t.Chdir("..")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for flag, left := range map[string]string{
		"--keep":       "stopped; what --keep has left is there until go run ./scripts clean\n",
		"--keep=false": "stopped; nothing of ours is left running\n",
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitEnvironment, execute(stopped, []string{"run", "3", flag}, &stdout, &stderr))
		assert.Contains(t, stderr.String(), left, flag)
	}
}

// What a program of the tests says, such as why a measurement has failed, is said.
func TestAProgramOfTheTestsIsHeard(t *testing.T) {
	t.Chdir("..")
	var stderr bytes.Buffer
	verb := testProgram("bench", "", "./no-such-folder")
	verb.SetErr(&stderr)
	verb.SetArgs(nil)
	require.ErrorIs(t, verb.ExecuteContext(t.Context()), status(exitUnexpected))
	assert.Contains(t, stderr.String(), "no-such-folder")
}
