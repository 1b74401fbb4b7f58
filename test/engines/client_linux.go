package engines

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

// Client is an engine as somebody has it who sits at one machine: how a program there finds it.
type Client struct {
	Name    string   // what the tests call it
	Program string   // docker or podman
	Builder string   // that the tool finds there
	Env     []string // by which a program finds the engine
	Shared  bool     // it is the machine's own: others have things in it

	within []string // the words that put a program into the engine's network
}

// Machines starts the engines that the tool is for. Those of one name share a daemon, and
// what one of them does the others see.
func Machines(t testing.TB) map[string][]Client {
	t.Helper()
	today := Docker29(t)
	return map[string][]Client{"of the machine": ofTheMachine(t), "of today": {today.Client, today.Afar()}, "of podman": {Podman(t)}}
}

// ofTheMachine gives the machine's docker with each of its builders.
func ofTheMachine(t testing.TB) []Client {
	t.Helper()
	if e := Here(t); e.Name != "docker" {
		Without(t, "an engine of the machine's that is docker; it is "+e.Name)
	}
	return []Client{
		{Name: "docker with the legacy builder", Program: "docker", Builder: engine.Legacy,
			Env: []string{"DOCKER_BUILDKIT=0"}, Shared: true},
		{Name: "docker with BuildKit", Program: "docker", Builder: engine.BuildKit,
			Env: []string{"DOCKER_BUILDKIT=1", "DOCKER_CONFIG=" + Buildx(t)}, Shared: true},
	}
}

// Podman gives podman with a storage of the test's own, and asks of the machine as little as
// podman can: crun, for one, refuses cgroups that are half of the old kind.
func Podman(t testing.TB) Client {
	t.Helper()
	return podman(t, "runc", "")
}

// PodmanWithCrun is Podman with the runtime that it comes with on most machines. It takes
// root: crun is not shown the new half of such cgroups.
func PodmanWithCrun(t testing.TB) Client {
	t.Helper()
	Root(t, "podman with crun")
	if _, err := exec.LookPath("crun"); err != nil {
		Without(t, "crun is not on PATH")
	}
	return podman(t, "crun", "#!/bin/sh\nexec unshare --mount -- sh -c "+
		"'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun \"$@\"' sh \"$@\"\n")
}

func podman(t testing.TB, runtime, wrapper string) Client {
	t.Helper()
	if _, err := exec.LookPath("podman"); err != nil {
		Without(t, "podman is not on PATH")
	}
	dir, err := os.MkdirTemp("", "od-podman-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Discard(dir) })
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := fmt.Sprintf("[containers]\ndefault_ulimits = []\n[engine]\nruntime = %q\ncgroup_manager = \"cgroupfs\"\n", runtime)
	if wrapper != "" {
		config += fmt.Sprintf("[engine.runtimes]\n%s = [%q]\n", runtime, write("runtime", wrapper))
	}
	storage := write("storage.conf", fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", dir+"/graph", dir+"/run"))
	containers := write("containers.conf", config)
	return Client{Name: "podman", Program: "podman", Builder: engine.Buildah, Env: []string{
		"CONTAINER_ENGINE=podman", "CONTAINERS_STORAGE_CONF=" + storage, "CONTAINERS_CONF=" + containers, "BUILDAH_ISOLATION=chroot",
		program.CacheVariable + "=" + filepath.Join(dir, "cache"),
	}}
}

// Command is a program beside the engine, which finds it.
func (c Client) Command(name string, args ...string) *exec.Cmd {
	words := append(append([]string{}, c.within...), name)
	words = append(words, args...)
	command := exec.Command(words[0], words[1:]...)
	command.Env = append(os.Environ(), c.Env...)
	return command
}

// Docker runs docker, or podman, on the engine and returns what it printed.
func (c Client) Docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := c.Command(c.Program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", c.Program, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// LoadFrom loads what write writes, as `docker save` does.
func (c Client) LoadFrom(t testing.TB, write func(io.Writer) error) {
	t.Helper()
	load := c.Command(c.Program, "load", "--quiet")
	in, out := io.Pipe()
	load.Stdin = in
	go func() { out.CloseWithError(write(out)) }()
	if said, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%s load: %v\n%s", c.Program, err, said)
	}
}

// Load brings an image of the machine's engine over.
func (c Client) Load(t testing.TB, image string) {
	t.Helper()
	if c.Shared {
		return // it is there
	}
	save, load := exec.Command("docker", "save", image), c.Command(c.Program, "load")
	pipe, err := save.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	load.Stdin = pipe
	if err := save.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%s load: %v\n%s", c.Program, err, out)
	}
	if err := save.Wait(); err != nil {
		t.Fatalf("docker save %s: %v", image, err)
	}
}
