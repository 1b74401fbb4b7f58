package record

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/run"
)

func TestNormaliseTakesOutWhatSaysNothing(t *testing.T) {
	for name, c := range map[string][2]string{
		"the probe's requests": {
			"[GIN-debug] Listening and serving HTTP on :8080\n[GIN] 2026/11/24 - 13:12:11 | 200 |     123.4µs |      172.17.0.1 | GET   " +
				"   \"/?message=x\"\n",
			"[GIN-debug] Listening and serving HTTP on :8080"},
		"the client's hint": {
			"docker: Error response from daemon: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown\n\nRun 'docker run " +
				"--help' for more information",
			"docker: Error response from daemon: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown"},
		"a container's ID": {
			"container 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef ended",
			"container CONTAINER ended"},
		"a line of runc's source": {
			"container_linux.go:370: starting container process caused: exec", "container_linux.go:LINE: starting container process " +
				"caused: exec"},
		"carriage returns": {"a\r\nb\r\n", "a\nb"},
		"nothing":          {"exec /echo: no such file or directory", "exec /echo: no such file or directory"},
	} {
		assert.Equal(t, c[1], Normalise(c[0]), name)
		assert.Equal(t, c[1], Normalise(Normalise(c[0])), name)
	}
}

// recorded is the repo's own record, to be changed by a test.
func recorded(t *testing.T) Run {
	doc, err := Read("../../../steps", "article")
	require.NoError(t, err)
	require.NotNil(t, doc)
	return *doc
}

func TestAnOutputBeginsWithTheCommand(t *testing.T) {
	doc := recorded(t)
	doc.Steps[0].Commands[1][len(doc.Steps[0].Commands[1])-2] = "127.0.0.1::8080"
	for _, o := range doc.Steps {
		step := o.Step
		text := strings.Join(doc.Transcripts(step), "\n\n")
		assert.Regexp(t, `^\$ docker build `, text, step)
		assert.Contains(t, text, "--publish 127.0.0.1:8080:8080", "%s: the port of this run says nothing", step)
		assert.Contains(t, text, "# On a stand-in for golang:1.15.7-alpine3.13, with docker", step)
		assert.NotContains(t, text, "[GIN] ", step)
	}
}

func TestADocumentIsReadAsItWasWritten(t *testing.T) {
	doc := recorded(t)
	var again Run
	require.NoError(t, json.Unmarshal(Marshal(doc), &again))
	assert.Equal(t, doc, again)
	assert.NotContains(t, string(Marshal(Run{Reason: "a < b"})), "u003c")
	assert.Equal(t, &engine.Engine{Name: "x"}, func() *engine.Engine {
		var r Run
		require.NoError(t, json.Unmarshal(Marshal(Run{Engine: &engine.Engine{Name: "x"}}), &r))
		return r.Engine
	}())
}

func TestTheWorstRunIsTheMatrixsVerdict(t *testing.T) {
	for want, verdicts := range map[string][]string{
		run.AsExpected:  {run.AsExpected, run.AsExpected},
		run.Unexpected:  {run.AsExpected, run.Unexpected, run.AsExpected},
		run.Environment: {run.Unexpected, run.Environment, run.AsExpected, run.Unexpected},
	} {
		var m Matrix
		for _, verdict := range verdicts {
			m.Add(Run{Verdict: verdict, Seconds: 1})
		}
		assert.Equal(t, want, m.Verdict, verdicts)
		assert.Len(t, m.Runs, len(verdicts))
	}
}
