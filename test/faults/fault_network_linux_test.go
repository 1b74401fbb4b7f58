package faults

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

// noNetwork asks for a base that is not here where there is no network at all: the
// program and its daemon are in a namespace with nothing but themselves.
func noNetwork(t *testing.T, g guest.Guest) {
	g.Cache = t.TempDir()
	began := time.Now()
	command := g.Program(t, "run", "2", "--base", "today-alpine")
	out, _ := command.CombinedOutput()
	assert.Equal(t, tool.Environment, command.ProcessState.ExitCode(), "%s", out)
	for _, says := range []string{"golang:1.27-alpine cannot be had here", "pull:", "rebuild:", "Ways out", "connect this machine"} {
		assert.Contains(t, string(out), says)
	}
	assert.Contains(t, g.Run(t, "run", "2"), "FAILS, as in the article", "what is here needs none")
	t.Logf("%s", out)
	Row(t, "no network", "1 run without the base: status %d after %d s; 1 with it: as expected", command.ProcessState.ExitCode(), int(time.Since(began).Seconds()))
}

// A base's download is cut in the middle, goes on without any network, and with one
// again: each time the words are clear, and what has come is not asked for again.
func TestFaultDownloadOfABaseCut(t *testing.T) {
	engines.Engine(t)
	if !Wanted() {
		t.Skip("SKIPPED: it downloads 150 MB; make faults runs it")
	}
	g := guest.Guest{Own: engines.OwnDaemon(t), Cache: t.TempDir()}
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", g.Cache).Run() }) // Go's module cache is read-only
	cut := &cutter{left: 40 << 20}
	server := httptest.NewServer(cut)
	defer server.Close()
	through := func() ([]byte, int) { // in the machine's network; the daemon has none
		command := tool.Program(t, "base", "today-alpine")
		command.Env = append(command.Env, "DOCKER_HOST="+g.Host, "OPTIMIZING_DOCKERFILE_CACHE="+g.Cache,
			"http_proxy="+server.URL, "https_proxy="+server.URL)
		out, _ := command.CombinedOutput()
		return out, command.ProcessState.ExitCode()
	}
	out, code := through()
	t.Logf("cut: %s", out)
	require.Equal(t, tool.Environment, code, "%s", out)
	assert.Contains(t, string(out), "cannot be had here")
	first := cut.brought.Load()

	command := g.Program(t, "base", "today-alpine")
	out, _ = command.CombinedOutput()
	t.Logf("no network: %s", out)
	assert.Equal(t, tool.Environment, command.ProcessState.ExitCode(), "%s", out)

	cut.whole.Store(true)
	out, code = through()
	t.Logf("whole: %s", out)
	require.Equal(t, tool.Expected, code, "%s", out)
	rest := cut.brought.Load() - first
	Row(t, "a base's download cut, without a network, resumed", "3 runs; %d MB, then %d MB came; status 3, 3, 0", first>>20, rest>>20)
}

// cutter is a proxy that breaks everything off when it has brought so many bytes.
type cutter struct {
	left    int64
	brought atomic.Int64
	whole   atomic.Bool
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	over := func() bool { return !c.whole.Load() && c.brought.Load() > c.left }
	if over() {
		panic(http.ErrAbortHandler)
	}
	if r.Method != http.MethodConnect {
		r.RequestURI = ""
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		c.copy(w, answer.Body, over)
		return
	}
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer to.Close()
	w.WriteHeader(http.StatusOK)
	from, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	go io.Copy(to, rest)
	c.copy(from, to, over)
}

func (c *cutter) copy(to io.Writer, from io.Reader, over func() bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		c.brought.Add(int64(n))
		if over() {
			panic(http.ErrAbortHandler)
		}
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}
