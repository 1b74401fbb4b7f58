package engine_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/test/engines"
)

// A container that has the host's name counts its processes for itself: process 7 in
// there is not process 7 out here.
func TestProcessesOfTwoNamespacesHaveTwoNames(t *testing.T) {
	const inside = "OWNER_OF_7"
	if os.Getenv(inside) != "" {
		os.Stdout.WriteString(engine.OwnerOf(7) + "\n")
		os.Exit(0)
	}
	engines.Root(t, "a namespace of the test's own")
	told := func(flags uintptr) string {
		command := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		command.Env = append(os.Environ(), inside+"=1")
		command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		out, err := command.Output()
		require.NoError(t, err)
		return string(out)
	}
	assert.Equal(t, engine.OwnerOf(7)+"\n", told(0), "another process here names it the same")
	assert.NotEqual(t, engine.OwnerOf(7)+"\n", told(syscall.CLONE_NEWPID))
}
