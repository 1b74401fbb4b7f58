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

	"golang.org/x/sys/unix"
)

// Own is a docker daemon that a test has to itself: in a network namespace of
// its own, so that the machine's firewall rules and networks are not touched.
type Own struct {
	Client
	Host string // for DOCKER_HOST

	dir, data string
	setup     setup
	network   string    // a process that holds the namespace: it outlives the daemon
	daemon    *exec.Cmd // nil while it is down
	ended     chan struct{}
}

// setup is what tells one daemon of a test's own from another.
type setup struct {
	config string   // its file of settings
	env    []string // its environment, beside the test's
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
	return own(t, data, setup{config: "{}"})
}

func own(t testing.TB, data string, as setup) *Own {
	t.Helper()
	Root(t, "a docker daemon of the test's own")
	dir, err := os.MkdirTemp("", "od-own-") // short: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "c.json"), []byte(as.config), 0o644); err != nil {
		t.Fatal(err)
	}
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	own := &Own{Host: "unix://" + filepath.Join(dir, "s.sock"), dir: dir, data: data, setup: as}
	own.network = network(t)
	own.Client = Client{Program: "docker", Env: []string{"DOCKER_HOST=" + own.Host}, within: []string{"nsenter", "--net=" + own.namespace(), "--"}}
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

func (o *Own) start() error {
	log, err := os.OpenFile(filepath.Join(o.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	for deadline := time.Now().Add(2 * time.Minute); ; { // it gives up by itself where its containerd takes over 15 seconds
		o.daemon = o.Command("dockerd", "-H", o.Host, "--data-root", o.data, "--exec-root", filepath.Join(o.dir, "exec"),
			"--pidfile", filepath.Join(o.dir, "pid"), "--config-file", filepath.Join(o.dir, "c.json"))
		o.daemon.Env = append(o.daemon.Env, o.setup.env...)
		o.daemon.Stdout, o.daemon.Stderr = log, log
		o.daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := o.daemon.Start(); err != nil {
			return err
		}
		ended := make(chan struct{})
		go func(daemon *exec.Cmd) { daemon.Wait(); close(ended) }(o.daemon)
		o.ended = ended
		for down := false; !down; {
			if o.Command("docker", "version").Run() == nil {
				return nil
			}
			if time.Now().After(deadline) {
				return errors.New("it does not answer")
			}
			select {
			case <-ended:
				down = true
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// Stop ends the daemon in order.
func (o *Own) Stop() {
	o.Signal(syscall.SIGTERM)
	late := time.AfterFunc(20*time.Second, func() { o.daemon.Process.Kill() })
	<-o.ended
	late.Stop()
	o.daemon = nil
}

// Kill ends the daemon at once, as a crash would.
func (o *Own) Kill() {
	o.Signal(syscall.SIGKILL)
	<-o.ended
	o.daemon = nil
}

// Signal sends one to the daemon.
func (o *Own) Signal(signal syscall.Signal) { o.daemon.Process.Signal(signal) }

// network makes a network namespace with nothing but a loopback device. It is that of the
// process whose id is given, and lasts as long as the test.
func network(t testing.TB) (pid string) {
	t.Helper()
	holder := exec.Command("unshare", "--net", "--", "sh", "-c", "ip link set lo up && echo up && exec cat")
	hold, err := holder.StdinPipe() // it ends with this process, whatever happens
	if err != nil {
		t.Fatal(err)
	}
	up, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	up.Read(make([]byte, 3))
	t.Cleanup(func() {
		hold.Close()
		holder.Wait()
	})
	return fmt.Sprint(holder.Process.Pid)
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

// namespace is the file of the network that the daemon is in.
func (o *Own) namespace() string { return "/proc/" + o.network + "/ns/net" }

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
	if err != nil {
		t.Fatal(err)
	}
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
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
