package engines

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

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
	own := own(t, "", setup{config: config, env: append(env, path)})
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
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handle}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
}

// Registry starts a registry, empty, and gives the way to it.
func Registry(t testing.TB) http.Handler {
	t.Helper()
	dir, err := os.MkdirTemp("", "od-registry-")
	if err != nil {
		t.Fatal(err)
	}
	socket, config := filepath.Join(dir, "s.sock"), filepath.Join(dir, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\n"+
		"storage: {filesystem: {rootdirectory: %q}}\nhttp: {net: unix, addr: %q}\n", dir, socket)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	registry := exec.Command(filepath.Join(Programs(t), "registry"), "serve", config)
	if err := registry.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		registry.Process.Kill()
		registry.Wait()
		os.RemoveAll(dir)
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the registry did not come up")
		}
	}
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
