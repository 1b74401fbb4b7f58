package engines

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Own is a docker daemon that a test has to itself: in a network namespace of
// its own, so that the machine's firewall rules and networks are not touched.
type Own struct {
	Client
	Host string // for DOCKER_HOST

	dir, data string
	env       []string // the daemon's, beside the test's
	network   string   // a process that holds the namespace: it outlives the daemon
	daemon    *daemon  // nil while it is down
}

// OwnDaemon starts one, empty, and ends it with the test. It takes root and dockerd;
// without them the test is skipped as in Engine.
func OwnDaemon(t testing.TB) *Own {
	t.Helper()
	return OwnDaemonIn(t, "")
}

// OwnDaemonIn is OwnDaemon with its images and containers in a folder of the test's.
func OwnDaemonIn(t testing.TB, data string) *Own {
	t.Helper()
	if _, err := exec.LookPath("dockerd"); err != nil {
		Without(t, "a docker daemon of the test's own takes dockerd")
	}
	return own(t, data, "{}")
}

// own starts one with a file of settings, and what it shall have in its environment beside the test's.
func own(t testing.TB, data, config string, env ...string) *Own {
	t.Helper()
	Root(t, "a docker daemon of the test's own")
	dir, err := os.MkdirTemp("", "od-own-") // short: the path of a socket has at most 107 bytes
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.json"), []byte(config), 0o644))
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	own := &Own{Host: "unix://" + filepath.Join(dir, "s.sock"), dir: dir, data: data, env: env}
	own.network = network(t)
	own.Client = Client{Program: "docker", Env: []string{"DOCKER_HOST=" + own.Host}, within: inNetwork(own.network)}
	t.Cleanup(func() {
		if own.daemon == nil {
			own.start() // what one that was killed left running, only another can end
		}
		own.Stop()
		killRest(own.dir + "/exec")
		Discard(dir)
	})
	own.Start(t)
	return own
}

// Start has the daemon run, with all that it had before it ended.
func (o *Own) Start(t testing.TB) {
	t.Helper()
	if err := o.start(); err != nil {
		text, _ := os.ReadFile(filepath.Join(o.dir, "log"))
		t.Fatalf("the test's own daemon did not come up: %v\n%s", err, last(string(text), 2000))
	}
}

func (o *Own) start() (err error) {
	for deadline := time.Now().Add(2 * time.Minute); ; { // it gives up by itself where its containerd takes over 15 seconds
		command := o.Command("dockerd", "-H", o.Host, "--data-root", o.data, "--exec-root", filepath.Join(o.dir, "exec"),
			"--pidfile", filepath.Join(o.dir, "pid"), "--config-file", filepath.Join(o.dir, "c.json"))
		command.Env = append(command.Env, o.env...)
		if o.daemon, err = launch(command, filepath.Join(o.dir, "log")); err != nil {
			return err
		}
		for down := false; !down; {
			if o.Command("docker", "version").Run() == nil {
				return nil
			}
			if time.Now().After(deadline) {
				return errors.New("it does not answer")
			}
			select {
			case <-o.daemon.ended:
				down = true
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// Stop ends the daemon in order.
func (o *Own) Stop() { o.end(syscall.SIGTERM) }

// Kill ends the daemon at once, as a crash would.
func (o *Own) Kill() { o.end(syscall.SIGKILL) }

func (o *Own) end(signal syscall.Signal) {
	o.daemon.end(signal)
	o.daemon = nil
}

// Signal sends one to the daemon.
func (o *Own) Signal(signal syscall.Signal) { o.daemon.Process.Signal(signal) }

// daemon is a program that runs beside a test.
type daemon struct {
	*exec.Cmd
	ended chan struct{}
}

// launch starts one. What it says is added to a log.
func launch(command *exec.Cmd, log string) (*daemon, error) {
	file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	command.Stdout, command.Stderr = file, file
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	d := &daemon{command, make(chan struct{})}
	go func() { d.Wait(); close(d.ended) }()
	return d, nil
}

// end ends it by a signal, and at once where it has not ended after some seconds.
func (d *daemon) end(signal syscall.Signal) {
	d.Process.Signal(signal)
	late := time.AfterFunc(20*time.Second, func() { d.Process.Kill() })
	<-d.ended
	late.Stop()
}

// network makes a network namespace with nothing but a loopback device. It is that of the
// process whose id is given, and lasts as long as the test.
func network(t testing.TB) (pid string) {
	t.Helper()
	holder := exec.Command("unshare", "--net", "--", "sh", "-c", "ip link set lo up && echo up && exec cat")
	hold, err := holder.StdinPipe() // it ends with this process, whatever happens
	require.NoError(t, err)
	up, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	up.Read(make([]byte, 3))
	t.Cleanup(func() {
		hold.Close()
		holder.Wait()
	})
	return fmt.Sprint(holder.Process.Pid)
}

// inNetwork are the words that put a program into the network of a process.
func inNetwork(pid string) []string {
	return []string{"nsenter", "--net=/proc/" + pid + "/ns/net", "--"}
}

// within does something on a thread that is in the network of a process.
func within(pid string, do func() error) (err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with this function, and with it what it has entered
		var file *os.File
		if file, err = os.Open("/proc/" + pid + "/ns/net"); err != nil {
			return
		}
		defer file.Close()
		if err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err == nil {
			err = do()
		}
	}()
	<-done
	return err
}

// killRest ends what a daemon that did not come up again has left running: the
// processes that have a folder of the test's among their words, and their children.
func killRest(folder string) {
	lists, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, list := range lists {
		words, _ := os.ReadFile(list)
		if !strings.Contains(string(words), folder) {
			continue
		}
		children, _ := filepath.Glob(filepath.Join(filepath.Dir(list), "task", "*", "children"))
		pids := []string{filepath.Base(filepath.Dir(list))}
		for _, file := range children {
			text, _ := os.ReadFile(file)
			pids = append(pids, strings.Fields(string(text))...)
		}
		for _, pid := range pids {
			if id, err := strconv.Atoi(pid); err == nil {
				syscall.Kill(id, syscall.SIGKILL)
			}
		}
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

// Disk gives a folder that is a disk of its own, of so many bytes. It takes root.
func Disk(t testing.TB, bytes int64) string {
	t.Helper()
	Root(t, "a disk of the test's own")
	dir, err := os.MkdirTemp("", "od-disk-")
	require.NoError(t, err)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", bytes)); err != nil {
		os.Remove(dir)
		Without(t, fmt.Sprintf("a disk of the test's own: %v", err))
	}
	t.Cleanup(func() {
		unmount(dir)
		syscall.Unmount(dir, syscall.MNT_DETACH)
		os.Remove(dir)
	})
	return dir
}

// ReadOnly makes a Disk one that cannot be written to.
func ReadOnly(t testing.TB, disk string) {
	t.Helper()
	require.NoError(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
}
