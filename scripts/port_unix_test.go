//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/enginetest"
	"optimizing-dockerfile/scripts/internal/record"
)

// A port that is taken between choice and use must not pass for a step's own
// failure. The moment cannot be had at will, so a wrapper around the real engine's
// program swaps port 8080 for one that is taken: the refusal itself is real.
func TestAPortTakenInBetweenIsNotTheStepsFailure(t *testing.T) {
	e := enginetest.Engine(t)
	real, err := exec.LookPath(e.Name)
	require.NoError(t, err)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()

	dir := t.TempDir()
	wrapper := "#!/bin/sh\nfor a; do\n\tshift\n\t[ \"$a\" = 127.0.0.1:8080:8080 ] && a=" + taken.Addr().String() + ":8080\n" +
		"\tset -- \"$@\" \"$a\"\ndone\nexec " + real + " \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, e.Name), []byte(wrapper), 0o755))
	command := program(t, "run", "2", "--json")
	command.Env = append(command.Env, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	require.NoError(t, command.Run(), "%s", &stderr)
	var doc record.Run
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &doc))
	assert.Contains(t, doc.Steps[0].Message, "/bin/sh", "the engine's words about the image, not about the port")
	assert.Equal(t, 127, *doc.Steps[0].ExitCode)
}
