//go:build unix

package engine

import (
	"errors"
	"os/exec"
	"syscall"
)

// dieTogether has a program die with this one, even by kill -9, where a system can do that.
var dieTogether = func(*syscall.SysProcAttr) {}

// detach keeps the terminal's Ctrl-C from the engine's programs: this one ends them, in order.
func detach(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieTogether(command.SysProcAttr)
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) } // plugins too
}

// alive says whether a process of this machine is still there.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
