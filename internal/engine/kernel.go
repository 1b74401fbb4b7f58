package engine

import (
	"os"
	"strings"
)

// here says whether an engine that names this host and this kernel release is on
// this machine. However it was reached (a socket, a context, ssh), one on another
// machine or in a virtual machine of its own names others.
func here(host, kernel string) bool {
	name, err := os.Hostname()
	if err != nil || name != host {
		return false
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease") // Linux has it, and no other system
	return err == nil && strings.TrimSpace(string(release)) == kernel
}
