package engine

import (
	"os/exec"
	"syscall"
)

// detach keeps the console's Ctrl-C from the engine's programs: this one ends them, in order.
func detach(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
