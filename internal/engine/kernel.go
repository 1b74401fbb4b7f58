package engine

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/user"
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

// onThisKernel knows the runtimes whose containers are processes of the engine's
// kernel. Of others, such as runsc or kata, the process seen is a sandbox's.
var onThisKernel = regexp.MustCompile(`^(runc|crun|io\.containerd\.runc)\b`)

// Account gives the user and the group that a running container's process has, as uid:gid,
// as this machine's kernel says. It is "" where the kernel cannot be asked: the
// engine is elsewhere, the runtime gives the container a kernel of its own, the
// process has ended, or its numbers mean others here.
func (e *Engine) Account(c Container) string { return accountIn(e.processOf(c), c.ID) }

// processOf gives the folder in /proc of a container's first process; "" where this
// machine's kernel cannot be asked about it.
func (e *Engine) processOf(c Container) string {
	if !e.Here || !onThisKernel.MatchString(e.Runtime) || c.State.Pid <= 0 || c.ID == "" {
		return ""
	}
	return fmt.Sprintf("/proc/%d", c.State.Pid)
}

// isOf says whether a process is a container's still: its ID is in the names of the process's cgroups.
func isOf(process, container string) bool {
	groups, err := os.ReadFile(process + "/cgroup")
	return process != "" && err == nil && strings.Contains(string(groups), container)
}

// effective are the second of the real, effective, saved numbers, and of those of file accesses.
var effective = regexp.MustCompile(`(?m)^Uid:\s+\d+\s+(\d+)\s.*\nGid:\s+\d+\s+(\d+)\s`)

// accountIn reads the folder of a process in /proc: see proc(5) and user_namespaces(7).
func accountIn(process, container string) string {
	if !isOf(process, container) {
		return ""
	}
	for _, numbers := range []string{"/uid_map", "/gid_map"} {
		mapped, err := user.ParseIDMapFile(process + numbers)
		if err != nil || !slices.Equal(mapped, []user.IDMap{{Count: math.MaxUint32}}) {
			return ""
		}
	}
	status, _ := os.ReadFile(process + "/status") // gone with the process
	found := effective.FindSubmatch(status)
	if found == nil {
		return ""
	}
	return string(found[1]) + ":" + string(found[2])
}

// Sockets are the addresses at which somebody in a network namespace listens for TCP.
type Sockets []netip.AddrPort

// ListensAt gives the addresses at which a running container's programs listen, as this
// machine's kernel says. It is not ok where the kernel cannot be asked, as in Account.
func (e *Engine) ListensAt(c Container) (listening Sockets, ok bool) {
	process := e.processOf(c)
	if !isOf(process, c.ID) {
		return nil, false
	}
	v4, err := os.ReadFile(process + "/net/tcp")
	if err != nil {
		return nil, false
	}
	v6, _ := os.ReadFile(process + "/net/tcp6") // a kernel may have none
	return ReadSockets(string(v4) + string(v6)), true
}

// ReadSockets reads the kernel's lists of TCP sockets, /proc/net/tcp and tcp6, for those
// that listen: see proc(5). An address is written as words of 32 bits, in the order of
// the machine's bytes, which is the lowest first on all machines that engines run on.
func ReadSockets(lists string) (listening Sockets) {
	const listen = "0A"
	for line := range strings.Lines(lists) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != listen {
			continue
		}
		host, port, _ := strings.Cut(f[1], ":")
		bytes, err := hex.DecodeString(host)
		number, wrong := strconv.ParseUint(port, 16, 16)
		if err != nil || wrong != nil || len(bytes)%4 != 0 {
			continue
		}
		for word := 0; word < len(bytes); word += 4 {
			slices.Reverse(bytes[word : word+4])
		}
		if address, ok := netip.AddrFromSlice(bytes); ok {
			listening = append(listening, netip.AddrPortFrom(address.Unmap(), uint16(number)))
		}
	}
	return listening
}

// At gives those of a port.
func (s Sockets) At(port uint16) Sockets {
	return slices.DeleteFunc(slices.Clone(s), func(socket netip.AddrPort) bool { return socket.Port() != port })
}

// LoopbackOnly says whether there are any, and whether all of them are the loopback's:
// nobody outside of the namespace reaches those.
func (s Sockets) LoopbackOnly() bool {
	return len(s) > 0 && !slices.ContainsFunc(s, func(socket netip.AddrPort) bool { return !socket.Addr().IsLoopback() })
}

// String lists them as people write them.
func (s Sockets) String() string {
	var all []string
	for _, socket := range s {
		all = append(all, socket.String())
	}
	return strings.Join(all, ", ")
}
