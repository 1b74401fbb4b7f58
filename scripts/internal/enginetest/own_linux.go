package enginetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Own is a docker daemon that a test has to itself: in a network namespace of
// its own, so that the machine's firewall rules and networks are not touched.
type Own struct {
	Host string // for DOCKER_HOST
	pid  string
}

// OwnDaemon starts one, empty, and ends it with the test. It takes root and dockerd;
// without them the test is skipped as in Engine.
func OwnDaemon(t testing.TB) *Own {
	t.Helper()
	if os.Getuid() != 0 {
		Without(t, "a docker daemon of the test's own takes root")
	}
	if _, err := exec.LookPath("dockerd"); err != nil {
		Without(t, "a docker daemon of the test's own takes dockerd")
	}
	dir, err := os.MkdirTemp("", "od-own-") // short: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "c.json")
	if err := os.WriteFile(config, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	own := &Own{Host: "unix://" + filepath.Join(dir, "s.sock")}
	daemon := exec.Command("unshare", "--net", "--", "sh", "-c", `ip link set lo up; exec dockerd "$@"`, "sh",
		"-H", own.Host, "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--config-file", config)
	daemon.Stdout, daemon.Stderr = log, log
	daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	own.pid = fmt.Sprint(daemon.Process.Pid)
	t.Cleanup(func() {
		daemon.Process.Signal(syscall.SIGTERM)
		ended := time.AfterFunc(20*time.Second, func() { daemon.Process.Kill() })
		daemon.Wait()
		ended.Stop()
		Discard(dir)
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if _, err := own.Command("docker", "version").CombinedOutput(); err == nil {
			return own
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("the test's own daemon did not come up:\n%s", last(string(text), 2000))
		}
	}
}

// Command is a program beside the daemon: in its network, with DOCKER_HOST set.
func (o *Own) Command(name string, args ...string) *exec.Cmd {
	command := exec.Command("nsenter", append([]string{"--net=/proc/" + o.pid + "/ns/net", "--", name}, args...)...)
	command.Env = append(os.Environ(), "DOCKER_HOST="+o.Host)
	return command
}

// Docker runs docker on the daemon and returns what it printed.
func (o *Own) Docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := o.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Load brings an image of the machine's engine over.
func (o *Own) Load(t testing.TB, image string) {
	t.Helper()
	save, load := exec.Command("docker", "save", image), o.Command("docker", "load")
	pipe, err := save.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	load.Stdin = pipe
	if err := save.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("docker load: %v\n%s", err, out)
	}
	if err := save.Wait(); err != nil {
		t.Fatalf("docker save %s: %v", image, err)
	}
}

// Discard removes a folder in which an engine had its data.
func Discard(dir string) {
	unmount(dir)
	os.RemoveAll(dir)
}

// unmount takes off what a daemon that was killed leaves mounted below dir.
func unmount(dir string) {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range strings.Split(string(mounts), "\n") {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], dir+"/") {
			syscall.Unmount(f[1], syscall.MNT_DETACH)
		}
	}
}

func last(text string, n int) string { return text[max(0, len(text)-n):] }
