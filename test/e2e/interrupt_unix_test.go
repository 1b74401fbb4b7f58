//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// Ctrl-C in the middle of a run: as soon as the program has ended, none of its
// containers is there.
func TestCtrlCLeavesNothing(t *testing.T) {
	e := engines.Engine(t)
	ranSteps(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		command := tool.Program(t, "run", "all")
		var said bytes.Buffer
		command.Stdout, command.Stderr = &said, &said
		require.NoError(t, command.Start())
		containers := func() string {
			own := fmt.Sprintf("name=-%d-", command.Process.Pid) // the name ends with the process and a number
			ids, err := e.Output(t.Context(), "ps", "--all", "--quiet", "--filter", own)
			require.NoError(t, err)
			return ids
		}
		require.Eventually(t, func() bool { return containers() != "" }, time.Minute, 10*time.Millisecond, "%s", &said)
		require.NoError(t, command.Process.Signal(signal))
		require.Error(t, command.Wait())
		assert.Equal(t, tool.Environment, command.ProcessState.ExitCode(), "%s", &said)
		assert.Contains(t, said.String(), "stopped; nothing of ours is left running")
		assert.Empty(t, containers(), "%v", signal)
	}
}
