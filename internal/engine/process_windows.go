package engine

import (
	"os"
	"os/exec"
	"syscall"
)

// detach keeps the console's Ctrl-C from the engine's programs: this one ends them, in order.
func detach(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// alive says whether a process of this machine is still there.
func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	process.Release()
	return true
}
