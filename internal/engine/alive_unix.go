//go:build unix

package engine

import (
	"errors"
	"syscall"
)

// alive says whether a process of this machine is still there.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
