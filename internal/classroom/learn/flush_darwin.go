package learn

import "golang.org/x/sys/unix"

// flush drops what lies in a terminal, also a line that is not ended yet.
func flush(terminal int) { unix.IoctlSetPointerInt(terminal, unix.TIOCFLUSH, unix.TCIFLUSH) }
