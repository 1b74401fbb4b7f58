package engine

import "syscall"

func init() { dieTogether = func(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL } }
