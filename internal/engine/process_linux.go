package engine

import (
	"os/exec"
	"syscall"
)

// detach keeps the terminal's Ctrl-C from the engine's programs (this one ends
// them, in order), and lets them die with this one, even by kill -9.
func detach(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) } // plugins too
}
