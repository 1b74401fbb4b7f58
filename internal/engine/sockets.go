package engine

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Sockets are the addresses at which somebody in a network namespace listens for TCP.
type Sockets []netip.AddrPort

// ListensAt gives the addresses at which a running container's programs listen, as this
// machine's kernel says. It is not ok where the kernel cannot be asked, as in Account.
func (e *Engine) ListensAt(c Container) (listening Sockets, ok bool) {
	process, ok := e.processOf(c)
	if !ok || !isOf(process, c.ID) {
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
func (s Sockets) At(port uint16) (at Sockets) {
	for _, socket := range s {
		if socket.Port() == port {
			at = append(at, socket)
		}
	}
	return at
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
