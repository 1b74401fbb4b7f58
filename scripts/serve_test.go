package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/scripts/internal/bundle"
)

const megabyte = 1_000_000

// serving starts `steps serve` on a bundle of some size; the process is the real one.
func serving(t *testing.T, bytes int64) (file, url string, server *exec.Cmd) {
	file = filepath.Join(t.TempDir(), bundleName)
	out, err := os.Create(file)
	require.NoError(t, err)
	noise := make([]byte, bytes)
	rand.Read(noise)
	tool := bundle.Tool{OS: "linux", Arch: "amd64", File: "bin/steps-linux-amd64"}
	image := bundle.Base{ID: "article", Image: "optimizing-dockerfile/base:1", Arch: "amd64", File: "images/article-amd64.tar.gz"}
	require.NoError(t, bundle.Write(out, bundle.Manifest{Tools: []bundle.Tool{tool}, Bases: []bundle.Base{image}}, []bundle.File{
		bundle.InMemory(tool.File, []byte("the tool")), bundle.InMemory(image.File, noise),
	}))
	require.NoError(t, out.Close())

	server = program(t, "serve", file, "--addr", "127.0.0.1:0")
	return file, address(t, server), server
}

// address starts `serve` and returns the URL that it names.
func address(t *testing.T, server *exec.Cmd) string {
	server.Stderr = os.Stderr
	said, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	named := regexp.MustCompile(`^ +(http://127\.0\.0\.1:\d+)$`)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if m := named.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, said)
			return m[1]
		}
	}
	t.Fatal("serve named no address")
	return ""
}

// A room of thirty: some of them on a network that keeps dropping.
func TestThirtyDownloadsAtOnce(t *testing.T) {
	file, url, server := serving(t, 30*megabyte)
	want, err := bundle.Open(file)
	require.NoError(t, err)
	defer want.Close()
	bad := droppingNetwork(t, strings.TrimPrefix(url, "http://"), 8*megabyte)

	var resumed atomic.Int64
	var room errgroup.Group
	for i := range 30 {
		room.Go(func() error {
			from := url
			if i%3 == 0 {
				from = bad
			}
			got, err := bundle.Fetch(t.Context(), from, t.TempDir(), func(sentence string) {
				if strings.HasPrefix(sentence, "going on") {
					resumed.Add(1)
				}
			})
			if err != nil {
				return err
			}
			b, err := bundle.Open(got)
			if err != nil {
				return err
			}
			defer b.Close()
			defer os.Remove(got)
			if b.Sum != want.Sum {
				return fmt.Errorf("%s is not what is served", got)
			}
			return nil
		})
	}
	require.NoError(t, room.Wait())
	assert.GreaterOrEqual(t, resumed.Load(), int64(30), "ten of them were cut, three times or more")
	if runtime.GOOS == "linux" {
		peak := peakMemory(t, server.Process.Pid)
		t.Logf("the server needed %d MB at most; %d downloads went on after a cut", peak/megabyte, resumed.Load())
		assert.Less(t, peak, int64(100*megabyte))
	}
	if runtime.GOOS != "windows" {
		require.NoError(t, server.Process.Signal(os.Interrupt))
		assert.NoError(t, server.Wait(), "Ctrl-C is how it ends")
	}
}

// droppingNetwork leads to an address, and drops each connection after some bytes.
func droppingNetwork(t *testing.T, to string, after int64) (url string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer here.Close()
				there, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer there.Close()
				go io.Copy(there, here)
				io.CopyN(here, there, after)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// peakMemory is the most that a process ever had in memory at once.
func peakMemory(t *testing.T, pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	require.NotNil(t, m)
	kilobytes, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(t, err)
	return kilobytes * 1024
}

// What is served, and nothing else on the machine.
func TestServeOffersTheBundleAndNothingElse(t *testing.T) {
	_, url, _ := serving(t, 1000)
	get := func(path, host string) (*http.Response, string) {
		// As it is: a client of Go's would clean the path.
		connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		defer connection.Close()
		fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer, string(text)
	}
	for path, says := range map[string]string{
		"/":                      "curl -fsS http://teacher:8000/get.sh | sh",
		"/get.sh":                "room='http://teacher:8000'",
		"/get.ps1":               "$room = 'http://teacher:8000'",
		"/report.html":           "<title>Six Dockerfiles",
		"/bin/steps-linux-amd64": "the tool",
	} {
		answer, text := get(path, "teacher:8000")
		assert.Equal(t, 200, answer.StatusCode, path)
		assert.Contains(t, text, says, path)
	}
	for _, path := range []string{
		"/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/bin/../../README.md", "/bin/", "/steps/steps.yaml",
		"//etc/passwd", "/bundle.tar/../../etc/passwd", "/images/article-amd64.tar.gz",
	} {
		answer, text := get(path, "teacher:8000")
		assert.NotEqual(t, 200, answer.StatusCode, path)
		assert.NotContains(t, text, "root:", path)
	}
	for _, host := range []string{"teacher';rm -rf ~;'", "x`id`", "$(id)", "a b"} {
		answer, text := get("/get.sh", host)
		assert.Equal(t, 400, answer.StatusCode, host)
		assert.NotContains(t, text, "room=")
	}
}
