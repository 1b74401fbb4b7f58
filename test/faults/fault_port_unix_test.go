//go:build unix

package faults

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// A port that is taken between choice and use must not pass for a step's own
// failure. The moment cannot be had at will, so a wrapper around the real engine's
// program swaps port 8080 for one that is taken: the refusal itself is real.
func TestFaultPortTakenInBetweenIsNotTheStepsFailure(t *testing.T) {
	e := engines.Engine(t)
	real, err := exec.LookPath(e.Name)
	require.NoError(t, err)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()

	command := tool.Program(t, "run", "2", "--json")
	command.Env = append(command.Env, instead(t, e.Name, "for a; do\n\tshift\n\t[ \"$a\" = 127.0.0.1:8080:8080 ] && a="+taken.Addr().String()+":8080\n"+
		"\tset -- \"$@\" \"$a\"\ndone\nexec "+real+" \"$@\"\n"))
	doc, code := tool.DocumentOf(t, command)
	require.Equal(t, tool.Expected, code, "%s %v", doc.Reason, tool.Reasons(doc))
	assert.Contains(t, doc.Steps[0].Message, "/bin/sh", "the engine's words about the image, not about the port")
	assert.Equal(t, 127, *doc.Steps[0].ExitCode)
	Row(t, "a port taken between choice and use", "1 run, 1 step tried on another port; wrong verdicts 0")
}

// instead gives a PATH, as NAME=VALUE, on which a shell script stands in for a program.
func instead(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755))
	return "PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")
}
