package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/test/tool"
)

// A room of thirty: some of them on a network that keeps dropping.
func TestThirtyDownloadsAtOnce(t *testing.T) {
	file, url, server := tool.Serving(t, 30*tool.Megabyte)
	want, err := bundle.Open(file)
	require.NoError(t, err)
	defer want.Close()
	bad := droppingNetwork(t, strings.TrimPrefix(url, "http://"), 8*tool.Megabyte)

	var resumed resumptions
	var room errgroup.Group
	for i := range 30 {
		room.Go(func() error {
			from := url
			if i%3 == 0 {
				from = bad
			}
			got, err := bundle.Fetch(t.Context(), from, t.TempDir(), &resumed)
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
		peak := tool.PeakMemory(t, server.Process.Pid)
		t.Logf("the server needed %d MB at most; %d downloads went on after a cut", peak/tool.Megabyte, resumed.Load())
		assert.Less(t, peak, int64(100*tool.Megabyte))
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

// What is served, and nothing else on the machine.
func TestServeOffersTheBundleAndNothingElse(t *testing.T) {
	_, url, _ := tool.Serving(t, 1000)
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

// resumptions counts those that are told of.
type resumptions struct{ atomic.Int64 }

func (r *resumptions) Say(sentence string) {
	if strings.HasPrefix(sentence, "going on") {
		r.Add(1)
	}
}
