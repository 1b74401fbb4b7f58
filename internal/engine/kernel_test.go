package engine

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A wrong account would be shown as proven: where anything is not as it must be, there is none.
func TestAnAccountIsTheKernelsOrNone(t *testing.T) {
	whole := map[string]string{
		"cgroup":  "12:pids:/docker/4f2a\n0::/docker/4f2a\n",
		"uid_map": "         0          0 4294967295\n",
		"gid_map": "         0          0 4294967295\n",
		"status":  "Name:\techo\nState:\tS (sleeping)\nUid:\t0\t12345\t12345\t12345\nGid:\t0\t54321\t54321\t54321\nGroups:\t7 \n",
	}
	for name, c := range map[string]struct {
		file, text string
		ok         bool
	}{
		"as it is":                              {"status", whole["status"], true},
		"another process has the number by now": {"cgroup", "0::/user.slice\n", false},
		"a user namespace":                      {"uid_map", "0 100000 65536\n", false},
		"a user namespace that keeps root":      {"gid_map", "0 0 1\n1 100000 65536\n", false},
		"no group":                              {"status", "Uid:\t0\t12345\t12345\t12345\n", false},
		"no numbers":                            {"status", "Uid:\ta\tb\tc\td\nGid:\ta\tb\tc\td\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			process := t.TempDir()
			for file, text := range whole {
				require.NoError(t, os.WriteFile(filepath.Join(process, file), []byte(text), 0o644))
			}
			require.NoError(t, os.WriteFile(filepath.Join(process, c.file), []byte(c.text), 0o644))
			assert.Equal(t, map[bool]string{true: "12345:54321"}[c.ok], accountIn(process, "4f2a"))
		})
	}
	assert.Empty(t, accountIn(filepath.Join(t.TempDir(), "ended"), "4f2a"))
	process := Container{ID: "4f2a"}
	process.State.Pid = os.Getpid()
	assert.Empty(t, (&Engine{Runtime: "runc 1.1.5"}).Account(process), "an engine elsewhere means a process of its own by this number")
}

func TestAnAccountIsOfAProcessOnThisKernel(t *testing.T) {
	for runtime, ok := range map[string]bool{
		"runc 1.1.5+ds1-1+deb12u1": true, "crun version 1.8.1": true, "io.containerd.runc.v2": true,
		"runsc": false, "kata-runtime 3.2": false, "": false,
	} {
		assert.Equal(t, ok, onThisKernel.MatchString(runtime), runtime)
	}
}

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

func TestAnEngineIsHereWhereHostAndKernelAreThisMachines(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other kernels tell no release")
	}
	host, err := os.Hostname()
	require.NoError(t, err)
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	require.NoError(t, err)
	kernel := strings.TrimSpace(string(release))
	assert.True(t, here(host, kernel))
	assert.False(t, here("another", kernel), "another machine, updated as this one is")
	assert.False(t, here(host, "6.10.14-linuxkit"), "a virtual machine of its own")
	assert.False(t, here("", ""), "an engine that says neither")
}
