package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
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
	Row(t, "no network", "1 run without the base: %d s; 1 with it: as expected%s", int(time.Since(began).Seconds()),
		Said(command.ProcessState.ExitCode(), string(out), "cannot be had here"))
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
		command := tool.Program(t, "dev", "base", "today-alpine")
		command.Env = append(command.Env, "DOCKER_HOST="+g.Host, "OPTIMIZING_DOCKERFILE_CACHE="+g.Cache,
			"http_proxy="+server.URL, "https_proxy="+server.URL)
		out, _ := command.CombinedOutput()
		return out, command.ProcessState.ExitCode()
	}
	out, code := through()
	answer := Said(code, string(out), "cannot be had here")
	t.Logf("cut: %s", out)
	require.Equal(t, tool.Environment, code, "%s", out)
	assert.Contains(t, string(out), "cannot be had here")
	first := cut.brought.Load()

	command := g.Program(t, "dev", "base", "today-alpine")
	out, _ = command.CombinedOutput()
	t.Logf("no network: %s", out)
	assert.Equal(t, tool.Environment, command.ProcessState.ExitCode(), "%s", out)

	cut.whole.Store(true)
	out, code = through()
	t.Logf("whole: %s", out)
	require.Equal(t, tool.Expected, code, "%s", out)
	rest := cut.brought.Load() - first
	Row(t, "a base's download cut, without a network, resumed", "3 runs; %d MB, then %d MB came%s", first>>20, rest>>20, answer)
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

// bound is how long a run may go on after its engine has gone away, or hangs.
const bound = 3 * time.Minute

// engineGone takes the engine away from runs at random moments: killed, killed and
// started anew, stopped in order and started anew, paused for good. What is lost is
// the environment's fault, whatever the step was doing; what was done before counts.
func engineGone(t *testing.T, g guest.Guest) {
	rounds, ways := 1, []string{"killed and started"}
	if Wanted() {
		rounds, ways = 4, []string{"killed", "killed and started", "stopped and started", "paused"}
	}
	chance := Random(t)
	before, unexpected, longest, lost, answer := things(t, g), 0, time.Duration(0), 0, ""
	for i := range rounds * len(ways) {
		way := ways[i%len(ways)]
		args, within := []string{"run", "all", "--json"}, g.Warm
		if chance.IntN(2) == 0 {
			args, within = append(args, "--steps", anotherApp(t)), 3*g.Warm
		}
		command := g.Program(t, args...)
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		require.NoError(t, command.Start())
		after := time.Duration(chance.Int64N(int64(within)))
		time.Sleep(after)
		began := time.Now()
		switch way {
		case "killed":
			g.Kill()
		case "killed and started":
			g.Kill()
			g.Start(t)
		case "stopped and started":
			g.Stop()
			g.Start(t)
		case "paused":
			g.Signal(syscall.SIGSTOP)
		}
		hangs := time.AfterFunc(bound, func() { command.Process.Signal(syscall.SIGQUIT) })
		command.Wait()
		assert.True(t, hangs.Stop(), "it hangs: %s after %v\n%s", way, after, last(stderr.String(), 4000))
		took := time.Since(began)
		longest = max(longest, took)
		switch way {
		case "killed":
			g.Start(t)
		case "paused":
			g.Signal(syscall.SIGCONT)
		}

		var doc record.Run
		decoder := json.NewDecoder(&stdout)
		require.NoError(t, decoder.Decode(&doc), "%s after %v: %s", way, after, stderr.String())
		assert.False(t, decoder.More(), "one document, and nothing else")
		code := command.ProcessState.ExitCode()
		t.Logf("%s after %v of %v: %s, status %d, within %v: %s %v", way, after, args[1:], doc.Verdict, code, took, doc.Reason, tool.Reasons(doc))
		if doc.Verdict == run.AsExpected { // it had ended, or was between two questions
			assert.Zero(t, code)
			continue
		}
		lost++
		answer = Said(code, doc.Reason+"\n"+strings.Join(tool.Reasons(doc), "\n"), " ")
		if !assert.Equal(t, tool.Environment, code) || !assert.NotContains(t, verdictsOf(doc), run.Unexpected) {
			unexpected++
		}
	}
	g.Docker(t, "start", "echo")
	assert.Contains(t, g.Run(t, "run", "2", "4"), "All as in the article")
	assert.Equal(t, before, things(t, g))
	Row(t, "the engine killed, restarted, paused", "%d moments, %d of them in a run, %d verdicts not the environment's; the longest run went on for %d s%s",
		rounds*len(ways), lost, unexpected, int(longest.Seconds()), answer)
}

// engineStopsUnderAProgram takes the engine away while a step's program runs: that
// it ended is not the program's doing, though the engine may be there to tell.
func engineStopsUnderAProgram(t *testing.T, g guest.Guest) {
	if !Wanted() {
		t.Skip("SKIPPED: make faults runs it")
	}
	never := tool.StepsWith(t, "04", "main.go", func(string) string {
		return "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n"
	})
	wrong, answer := 0, ""
	ways := map[string]func(){
		"killed":              func() { g.Kill(); g.Start(t) },
		"stopped and started": func() { g.Stop(); g.Start(t) },
	}
	for way, do := range ways {
		command := g.Program(t, "run", "4", "--json", "--steps", never)
		var stdout bytes.Buffer
		command.Stdout = &stdout
		require.NoError(t, command.Start())
		for !strings.Contains(g.Docker(t, "ps", "--format", "{{.Names}}"), "04-cgo-disabled") {
			time.Sleep(50 * time.Millisecond)
		}
		do()
		command.Wait()
		var doc record.Run
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &doc))
		t.Logf("%s: %s %s %v", way, doc.Verdict, doc.Reason, tool.Reasons(doc))
		if !assert.Equal(t, run.Environment, doc.Verdict, "%s: %v", way, tool.Reasons(doc)) {
			wrong++
		}
		answer = Said(command.ProcessState.ExitCode(), doc.Reason+"\n"+strings.Join(tool.Reasons(doc), "\n"), " ")
	}
	g.Docker(t, "start", "echo")
	Row(t, "the engine gone while a program runs", "%d runs; wrong verdicts %d%s", len(ways), wrong, answer)
}

func verdictsOf(doc record.Run) (all []string) {
	for _, o := range doc.Steps {
		all = append(all, o.Verdict)
	}
	return all
}

func last(text string, n int) string { return strings.TrimSpace(text[max(0, len(text)-n):]) }
