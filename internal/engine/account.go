package engine

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/user"
)

// onThisKernel knows the runtimes whose containers are processes of the engine's
// kernel. Of others, such as runsc or kata, the process seen is a sandbox's.
var onThisKernel = regexp.MustCompile(`^(runc|crun|io\.containerd\.runc)\b`)

// Account gives the user and the group that a running container's process has, as
// this machine's kernel says. It is not ok where the kernel cannot be asked: the
// engine is elsewhere, the runtime gives the container a kernel of its own, the
// process has ended, or its numbers mean others here.
func (e *Engine) Account(c Container) (uid, gid int, ok bool) {
	process, ok := e.processOf(c)
	if !ok {
		return 0, 0, false
	}
	return accountIn(process, c.ID)
}

// processOf gives the folder in /proc of a container's first process, where this
// machine's kernel can be asked about it. Whether that process is still the container's, isOf says.
func (e *Engine) processOf(c Container) (process string, ok bool) {
	if !e.Here || !onThisKernel.MatchString(e.Runtime) || c.PID <= 0 || c.ID == "" {
		return "", false
	}
	return fmt.Sprintf("/proc/%d", c.PID), true
}

// isOf says whether a process is a container's: its ID is in the names of the process's cgroups.
func isOf(process, container string) bool {
	groups, err := os.ReadFile(process + "/cgroup")
	return err == nil && strings.Contains(string(groups), container)
}

// accountIn reads the folder of a process in /proc: see proc(5) and
// user_namespaces(7). The container's ID is in the names of its cgroups.
func accountIn(process, container string) (uid, gid int, ok bool) {
	if !isOf(process, container) {
		return 0, 0, false
	}
	for _, numbers := range []string{"/uid_map", "/gid_map"} {
		mapped, err := user.ParseIDMapFile(process + numbers)
		if err != nil || !slices.Equal(mapped, []user.IDMap{{Count: math.MaxUint32}}) {
			return 0, 0, false
		}
	}
	status, err := os.ReadFile(process + "/status")
	if err != nil {
		return 0, 0, false
	}
	numbers := map[string]int{}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 5 { // real, effective, saved, of file accesses
			if number, err := strconv.Atoi(f[2]); err == nil {
				numbers[f[0]] = number
			}
		}
	}
	uid, hasUser := numbers["Uid:"]
	gid, hasGroup := numbers["Gid:"]
	return uid, gid, hasUser && hasGroup
}
