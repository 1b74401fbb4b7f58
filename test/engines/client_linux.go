package engines

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	require.NoError(t, err)
	t.Cleanup(func() { Discard(dir) })
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
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
	words := slices.Concat(c.within, []string{name}, args)
	command := exec.Command(words[0], words[1:]...)
	command.Env = append(os.Environ(), c.Env...)
	return command
}

// Docker runs docker, or podman, on the engine and returns what it printed.
func (c Client) Docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := c.Command(c.Program, args...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", c.Program, strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// LoadFrom loads what write writes, as `docker save` does.
func (c Client) LoadFrom(t testing.TB, write func(io.Writer) error) {
	t.Helper()
	load := c.Command(c.Program, "load", "--quiet")
	load.Stdin = piped(write)
	said, err := load.CombinedOutput()
	require.NoError(t, err, "%s load\n%s", c.Program, said)
}

// piped reads what write writes.
func piped(write func(io.Writer) error) io.Reader {
	in, out := io.Pipe()
	go func() { out.CloseWithError(write(out)) }()
	return in
}

// Load brings an image of the machine's engine over.
func (c Client) Load(t testing.TB, image string) {
	t.Helper()
	if c.Shared {
		return // it is there
	}
	c.LoadFrom(t, Saved(image))
}

// Saved writes images of the machine's docker, for another engine to load.
func Saved(images ...string) func(to io.Writer) error {
	return func(to io.Writer) error {
		save := exec.Command("docker", append([]string{"save"}, images...)...)
		save.Stdout = to
		return save.Run()
	}
}

// MirrorAddress is where a daemon of today finds its mirror, in its own network.
const MirrorAddress = "127.0.0.1:5000"

// Docker29 starts a docker daemon of today with its image store, containerd's, in a
// network of its own, and a registry that is its mirror. docker has BuildKit there.
func Docker29(t testing.TB) *Own {
	t.Helper()
	own := docker29(t, `{"registry-mirrors": ["http://`+MirrorAddress+`"]}`)
	own.Serve(t, Registry(t).ServeHTTP)
	return own
}

// Docker29Behind is Docker29 with neither mirror nor registry: what it fetches comes
// through a proxy at MirrorAddress, and it trusts the certificates in a file.
func Docker29Behind(t testing.TB, certificates string) *Own {
	t.Helper()
	return docker29(t, "{}", "HTTPS_PROXY=http://"+MirrorAddress, "SSL_CERT_FILE="+certificates)
}

func docker29(t testing.TB, config string, env ...string) *Own {
	t.Helper()
	path := "PATH=" + Programs(t) + string(filepath.ListSeparator) + os.Getenv("PATH")
	own := own(t, "", config, append(env, path)...)
	own.Name, own.Builder = "docker 29", engine.BuildKit
	own.Env = append(own.Env, "DOCKER_BUILDKIT=1", "DOCKER_CONFIG="+Buildx(t), program.CacheVariable+"="+t.TempDir())
	return own
}

// Afar is the daemon as it is from another machine: its published ports are not to be reached from there.
func (o *Own) Afar() Client {
	afar := o.Client
	afar.Name, afar.within = o.Name+" on another machine", nil
	return afar
}

// Serve answers at MirrorAddress in the daemon's network until the test ends.
func (o *Own) Serve(t testing.TB, handle http.HandlerFunc) {
	t.Helper()
	var listener net.Listener
	err := within(o.network, func() (err error) {
		listener, err = net.Listen("tcp", MirrorAddress)
		return err
	})
	require.NoError(t, err)
	server := &http.Server{Handler: handle}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
}

// Registry starts a registry, empty, and gives the way to it.
func Registry(t testing.TB) http.Handler {
	t.Helper()
	dir, err := os.MkdirTemp("", "od-registry-")
	require.NoError(t, err)
	socket, config := filepath.Join(dir, "s.sock"), filepath.Join(dir, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\n"+
		"storage: {filesystem: {rootdirectory: %q}}\nhttp: {net: unix, addr: %q}\n", dir, socket)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
	registry, err := launch(exec.Command(filepath.Join(Programs(t), "registry"), "serve", config), filepath.Join(dir, "log"))
	require.NoError(t, err)
	t.Cleanup(func() {
		registry.end(syscall.SIGKILL)
		os.RemoveAll(dir)
	})
	up := func() bool { _, err := os.Stat(socket); return err == nil }
	require.Eventually(t, up, time.Minute, 50*time.Millisecond, "the registry did not come up")
	there, _ := url.Parse("http://registry")
	way := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(there)
		r.SetXForwarded() // the addresses that it names are those that it was asked at
	}}
	way.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	return way
}
