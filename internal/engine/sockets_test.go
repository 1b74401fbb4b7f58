package engine

import (
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The kernel's own lists name what this process listens at, and of a kind.
func TestTheKernelListsWhatListens(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other kernels have no /proc/net/tcp")
	}
	port := func(address string) uint16 {
		l, err := net.Listen("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		return uint16(l.Addr().(*net.TCPAddr).Port)
	}
	loopback, everywhere := port("127.0.0.1:0"), port(":0")
	v4, err := os.ReadFile("/proc/self/net/tcp")
	require.NoError(t, err)
	v6, _ := os.ReadFile("/proc/self/net/tcp6")
	all := ReadSockets(string(v4) + string(v6))
	assert.True(t, all.At(loopback).LoopbackOnly(), all)
	require.NotEmpty(t, all.At(everywhere), all)
	assert.False(t, all.At(everywhere).LoopbackOnly(), all)
	assert.False(t, Sockets(nil).LoopbackOnly(), "nobody listens")
}

func TestSocketsOfBothKinds(t *testing.T) {
	const lists = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0
   1: 0200000A:1F90 0100000A:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0000000000000000 20 4 30 10 -1
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000
`
	all := ReadSockets(lists)
	assert.Equal(t, "127.0.0.1:8080, [::1]:8080, [::]:8081", all.String(), "a connection is none")
	assert.True(t, all.At(8080).LoopbackOnly())
	assert.False(t, all.At(8081).LoopbackOnly())
}
