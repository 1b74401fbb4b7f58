package faults

import (
	"bytes"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

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
	before, unexpected, longest, lost := things(t, g), 0, time.Duration(0), 0
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
		if !assert.Equal(t, tool.Environment, code) || !assert.NotContains(t, verdictsOf(doc), run.Unexpected) {
			unexpected++
		}
	}
	g.Docker(t, "start", "echo")
	assert.Contains(t, g.Run(t, "run", "2", "4"), "All as in the article")
	assert.Equal(t, before, things(t, g))
	Row(t, "the engine killed, restarted, paused", "%d moments, %d of them in a run, %d verdicts not the environment's; the longest run went on for %d s",
		rounds*len(ways), lost, unexpected, int(longest.Seconds()))
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
	wrong := 0
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
	}
	g.Docker(t, "start", "echo")
	Row(t, "the engine gone while a program runs", "%d runs; wrong verdicts %d", len(ways), wrong)
}

func verdictsOf(doc record.Run) (all []string) {
	for _, o := range doc.Steps {
		all = append(all, o.Verdict)
	}
	return all
}

func last(text string, n int) string { return strings.TrimSpace(text[max(0, len(text)-n):]) }
