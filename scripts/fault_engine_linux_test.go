package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/enginetest"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/trial"
)

// bound is how long a run may go on after its engine has gone away, or hangs.
const bound = 3 * time.Minute

// engineGone takes the engine away from runs at random moments: killed, killed and
// started anew, stopped in order and started anew, paused for good. What is lost is
// the environment's fault, whatever the step was doing; what was done before counts.
func engineGone(t *testing.T, g guest) {
	rounds, ways := 1, []string{"killed and started"}
	if enginetest.WantsFaults() {
		rounds, ways = 4, []string{"killed", "killed and started", "stopped and started", "paused"}
	}
	chance := enginetest.Random(t)
	before, unexpected, longest, lost := g.things(t), 0, time.Duration(0), 0
	for i := range rounds * len(ways) {
		way := ways[i%len(ways)]
		args, within := []string{"run", "all", "--json"}, g.warm
		if chance.IntN(2) == 0 {
			args, within = append(args, "--steps", anotherApp(t)), 3*g.warm
		}
		command := g.program(t, args...)
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
		t.Logf("%s after %v of %v: %s, status %d, within %v: %s %v", way, after, args[1:], doc.Verdict, code, took, doc.Reason, reasonsOf(doc))
		if doc.Verdict == trial.AsExpected { // it had ended, or was between two questions
			assert.Zero(t, code)
			continue
		}
		lost++
		if !assert.Equal(t, exitEnvironment, code) || !assert.NotContains(t, verdictsOf(doc), trial.Unexpected) {
			unexpected++
		}
	}
	g.Docker(t, "start", "echo")
	assert.Contains(t, g.run(t, "run", "2", "4"), "All as in the article")
	assert.Equal(t, before, g.things(t))
	enginetest.Fault(t, "the engine killed, restarted, paused", "%d moments, %d of them in a run, %d verdicts not the environment's; the longest run went on for %d s",
		rounds*len(ways), lost, unexpected, int(longest.Seconds()))
}

// engineStopsUnderAProgram takes the engine away while a step's program runs: that
// it ended is not the program's doing, though the engine may be there to tell.
func engineStopsUnderAProgram(t *testing.T, g guest) {
	if !enginetest.WantsFaults() {
		t.Skip("SKIPPED: make faults runs it")
	}
	never := stepsWith(t, "04", "main.go", func(string) string {
		return "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n"
	})
	wrong := 0
	ways := map[string]func(){
		"killed":              func() { g.Kill(); g.Start(t) },
		"stopped and started": func() { g.Stop(); g.Start(t) },
	}
	for way, do := range ways {
		command := g.program(t, "run", "4", "--json", "--steps", never)
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
		t.Logf("%s: %s %s %v", way, doc.Verdict, doc.Reason, reasonsOf(doc))
		if !assert.Equal(t, trial.Environment, doc.Verdict, "%s: %v", way, reasonsOf(doc)) {
			wrong++
		}
	}
	g.Docker(t, "start", "echo")
	enginetest.Fault(t, "the engine gone while a program runs", "%d runs; wrong verdicts %d", len(ways), wrong)
}

func verdictsOf(doc record.Run) (all []string) {
	for _, o := range doc.Steps {
		all = append(all, o.Verdict)
	}
	return all
}

func last(text string, n int) string { return strings.TrimSpace(text[max(0, len(text)-n):]) }
