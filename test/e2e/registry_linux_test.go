package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

// article is the base's name, as the registry has it.
const article = "golang:1.15.7-alpine3.13"

// An engine that holds nothing pulls the base from a real registry, its mirror.
func TestTheBaseIsPulledFromARegistry(t *testing.T) {
	engines.Engine(t)
	carried, today := guest.Base(t), engines.Docker29(t)
	publish(t, today, carried, engines.MirrorAddress+"/library/"+article)
	doc, code := tool.DocumentOf(t, on(t, today.Client, "run", "3", "--json"))
	assert.Equal(t, tool.Expected, code, "%s %v", doc.Reason, tool.Reasons(doc))
	require.NotNil(t, doc.Base, doc.Reason)
	assert.Equal(t, []string{base.Pulled, article}, []string{doc.Base.Source, doc.Base.Image})
}

// publish pushes an image of the machine's engine under a name, and empties the engine that did it.
func publish(t *testing.T, own *engines.Own, image, name string) {
	t.Helper()
	own.Load(t, image)
	own.Docker(t, "tag", image, name)
	own.Docker(t, "push", name)
	own.Docker(t, "rmi", "--force", name, image)
	require.Empty(t, own.Docker(t, "images", "--all", "--quiet"))
}

// What comes between an engine and its registry: the words say what it is and what to
// do now, and it is never taken for the step's doing.
func TestABrokenRegistryIsTheEnvironments(t *testing.T) {
	engines.Engine(t)
	carried, registry := guest.Base(t), engines.Registry(t)
	var mutex sync.Mutex
	var between func(w http.ResponseWriter, r *http.Request) // nil: nothing
	trusted, pems := dockerHub(t, func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		handle := between
		mutex.Unlock()
		if handle == nil {
			handle = registry.ServeHTTP
		}
		handle(w, r)
	})
	untrusted := httptest.NewTLSServer(registry)
	t.Cleanup(untrusted.Close)
	where := trusted
	own := engines.Docker29Behind(t, pems)
	own.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		to := where
		mutex.Unlock()
		tunnel(w, r, to)
	})
	publish(t, own, carried, article)

	blob := func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/blobs/") && r.Method == http.MethodGet
	}
	refuse := func(status int, text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/token" { // where a login is asked for
				w.Header().Set("WWW-Authenticate",
					`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/golang:pull"`)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			io.WriteString(w, text)
		}
	}
	var slow sync.Once
	var began time.Time
	var left atomic.Int64
	left.Store(1 << 20)
	for _, c := range []struct {
		name    string
		between func(http.ResponseWriter, *http.Request)
		says    []string // nil: it is pulled all the same
	}{
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			registry.ServeHTTP(&narrow{ResponseWriter: w, left: &left}, r)
		}, []string{"the download broke off", "once more: docker pull"}},
		{"the pull limit", refuse(429, `{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}`),
			[]string{"the registry's pull limit is reached", "or lift the limit with `docker login`"}},
		{"no access", refuse(401, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`),
			[]string{"the registry wants a login", "`docker logout`"}},
		{"a proxy that opens TLS", nil, []string{"does not trust the registry's certificate", "the company's certificate"}},
		{"slow to begin", func(w http.ResponseWriter, r *http.Request) {
			slow.Do(func() { time.Sleep(12 * time.Second) })
			registry.ServeHTTP(w, r)
		}, nil},
		{"crawling", func(w http.ResponseWriter, r *http.Request) {
			if blob(r) {
				mutex.Lock()
				if began.IsZero() {
					began = time.Now()
				}
				mutex.Unlock()
				w = &narrow{ResponseWriter: w, crawls: began.Add(25 * time.Second)}
			}
			registry.ServeHTTP(w, r)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			mutex.Lock()
			between, where = c.between, trusted
			if c.between == nil {
				where = untrusted.Listener.Addr().String()
			}
			mutex.Unlock()
			command := on(t, own.Client, "run", "3")
			command.Env = append(command.Env, "PATH="+dockerAlone(t)) // without apt-get: no stand-in is made
			out, _ := command.CombinedOutput()
			t.Logf("%s", out)
			if c.says == nil {
				require.Equal(t, tool.Expected, command.ProcessState.ExitCode(), "%s", out)
				assert.Contains(t, string(out), "FAILS, as in the article")
				own.Docker(t, "rmi", "--force", article)
				own.Docker(t, "builder", "prune", "--all", "--force") // it keeps what a base is made of
				return
			}
			require.Equal(t, tool.Environment, command.ProcessState.ExitCode(), "%s", out)
			assert.NotContains(t, string(out), "UNEXPECTED")
			for _, words := range append(c.says, article+" cannot be had here", "rebuild:", "Ways out") {
				assert.Contains(t, string(out), words)
			}
		})
	}
}

// dockerHub answers in Docker Hub's name, and gives its address and the file of its certificate.
func dockerHub(t *testing.T, handle http.HandlerFunc) (address, pems string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"registry-1.docker.io", "auth.docker.io"}}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	require.NoError(t, err)
	pems = filepath.Join(t.TempDir(), "certificates.pem")
	require.NoError(t, os.WriteFile(pems, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o644))
	server := httptest.NewUnstartedServer(handle)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{signed}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), pems
}

// tunnel is a proxy that leads every connection to one address.
func tunnel(w http.ResponseWriter, r *http.Request, to string) {
	if r.Method != http.MethodConnect {
		http.Error(w, "it is a proxy", http.StatusBadRequest)
		return
	}
	there, err := net.Dial("tcp", to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	go io.Copy(there, early)
	io.Copy(here, there)
}

// narrow is an answer that breaks off when no more bytes are left to all, or crawls until a moment.
type narrow struct {
	http.ResponseWriter
	left   *atomic.Int64
	crawls time.Time
}

func (n *narrow) Write(p []byte) (int, error) {
	if n.left != nil {
		if n.left.Add(-int64(len(p))) < 0 {
			panic(http.ErrAbortHandler)
		}
		return n.ResponseWriter.Write(p)
	}
	written := 0
	for len(p) > written && time.Now().Before(n.crawls) {
		some, err := n.ResponseWriter.Write(p[written:min(len(p), written+20_000)])
		if written += some; err != nil {
			return written, err
		}
		http.NewResponseController(n.ResponseWriter).Flush()
		time.Sleep(time.Second)
	}
	rest, err := n.ResponseWriter.Write(p[written:])
	return written + rest, err
}

// dockerAlone is a PATH with docker, and nothing else.
func dockerAlone(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bin")
	require.NoError(t, os.Mkdir(path, 0o755))
	docker, err := exec.LookPath("docker")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(docker, filepath.Join(path, "docker")))
	return path
}
