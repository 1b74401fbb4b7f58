package engine

import (
	"os"
	"path/filepath"
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
			uid, gid, ok := accountIn(process, "4f2a")
			assert.Equal(t, c.ok, ok)
			if c.ok {
				assert.Equal(t, []int{12345, 54321}, []int{uid, gid})
			}
		})
	}
	_, _, ok := accountIn(filepath.Join(t.TempDir(), "ended"), "4f2a")
	assert.False(t, ok)
	_, _, ok = (&Engine{Runtime: "runc 1.1.5"}).Account(Container{PID: os.Getpid(), ID: "4f2a"})
	assert.False(t, ok, "an engine elsewhere means a process of its own by this number")
}

func TestAnAccountIsOfAProcessOnThisKernel(t *testing.T) {
	for runtime, ok := range map[string]bool{
		"runc 1.1.5+ds1-1+deb12u1": true, "crun version 1.8.1": true, "io.containerd.runc.v2": true,
		"runsc": false, "kata-runtime 3.2": false, "": false,
	} {
		assert.Equal(t, ok, onThisKernel.MatchString(runtime), runtime)
	}
}
