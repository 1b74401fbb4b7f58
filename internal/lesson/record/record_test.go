package record

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
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

// third gives the entry of step 3.
func third(doc Run) *run.Outcome {
	for i := range doc.Steps {
		if doc.Steps[i].Step == "03-exec-form" {
			return &doc.Steps[i]
		}
	}
	return nil
}

func TestCompareNamesWhatDiffers(t *testing.T) {
	assert.Empty(t, Compare(recorded(t), recorded(t)))
	anotherRuntime := func(doc Run) { doc.Engine.Runtime = "runc 1.2.0" }
	one := 1
	for name, c := range map[string]struct {
		change func(Run)
		says   string
	}{
		"outcome":         {func(r Run) { third(r).Outcome = "runs" }, "the outcome was fails, is runs"},
		"phase":           {func(r Run) { third(r).Phase = "start" }, "the phase was exec, is start"},
		"cause":           {func(r Run) { third(r).Cause = "missing-shell" }, "the cause was missing-loader, is missing-shell"},
		"loader":          {func(r Run) { third(r).Missing = "/lib/x" }, "what is missing was /lib/ld-musl-x86_64.so.1, is /lib/x"},
		"user":            {func(r Run) { third(r).User = "1:1" }, "the user was 0:0, is 1:1"},
		"libc":            {func(r Run) { third(r).Libc = "glibc" }, "the libc was musl, is glibc"},
		"size":            {func(r Run) { third(r).Image.Bytes += 500_000 }, "the size was"},
		"a little larger": {func(r Run) { third(r).Image.Bytes += 50_000 }, ""},
		"seconds":         {func(r Run) { third(r).Seconds.Build = 99 }, ""},
		"message":         {func(r Run) { third(r).Message = "other words" }, "the message was"},
		"exit code":       {func(r Run) { code := 99; third(r).ExitCode = &code }, "is 99"},
		"another's words": {func(r Run) { anotherRuntime(r); third(r).Message = "other words"; third(r).ExitCode = &one }, ""},
		"another's proof": {func(r Run) { anotherRuntime(r); third(r).Cause = "missing-shell" }, "the cause was"},
		"another machine": {func(r Run) { r.Base.Platform.Arch = "arm64"; third(r).Missing = "/lib/ld-musl-aarch64.so.1" }, ""},
		"pulled, step 1":  {func(r Run) { r.Base.Source = "pulled"; r.Steps[0].Image.Bytes *= 2 }, ""},
		"pulled, step 3":  {func(r Run) { r.Base.Source = "pulled"; third(r).Image.Bytes *= 2 }, "the size was"},
	} {
		now := recorded(t)
		c.change(now)
		differences := Compare(recorded(t), now)
		if c.says == "" {
			assert.Empty(t, differences, name)
			continue
		}
		if assert.Len(t, differences, 1, name) {
			assert.Contains(t, differences[0], c.says, name)
		}
	}
}

// A changed outcome is refused unless it is accepted, and the old record stays whole.
func TestWriteRefusesAChangedOutcome(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Write(dir, recorded(t), false, false), "the first record")
	first, err := os.ReadFile(filepath.Join(dir, "records", "article.json"))
	require.NoError(t, err)

	changed := recorded(t)
	third(changed).Cause = "missing-shell"
	assert.ErrorContains(t, Write(dir, changed, false, false), "the cause was missing-loader, is missing-shell")
	kept, err := os.ReadFile(filepath.Join(dir, "records", "article.json"))
	require.NoError(t, err)
	assert.Equal(t, string(first), string(kept))

	require.NoError(t, Write(dir, changed, false, true))
	again, err := Read(dir, "article")
	require.NoError(t, err)
	assert.Equal(t, "missing-shell", third(*again).Cause)

	failed := recorded(t)
	failed.Verdict = run.Environment
	assert.Error(t, Write(dir, failed, false, true), "an environment's failure is never a record")
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

// A record beside the first is another engine's: it is held against that engine's runs.
func TestARecordBesideIsAnotherEngines(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Write(dir, recorded(t), false, false))
	other := recorded(t)
	other.Engine.Name, other.Engine.Version = "podman", "4.3.1+ds1"
	other.Steps[1].Message = "podman's words"
	require.NoError(t, Write(dir, other, true, false))
	for name, of := range map[string]Run{"article.podman-4.3.1": other, "article": recorded(t)} {
		kept, err := Read(dir, name)
		require.NoError(t, err)
		assert.Equal(t, of.Steps[1].Message, kept.Steps[1].Message)
	}
}

// A run that has to leave a try out, as its builder is another, takes nothing from the record.
func TestWhatARunLeavesOutStaysInTheRecord(t *testing.T) {
	steps := []table.Step{{Name: "11-a", Tries: []table.Try{{Dockerfile: "Dockerfile.first-try"}, {Dockerfile: "Dockerfile", Needs: engine.BuildKit}}}}
	first, second := run.Outcome{Step: "11-a", Dockerfile: "Dockerfile.first-try"}, run.Outcome{Step: "11-a", Dockerfile: "Dockerfile", Message: "hello"}
	gone := run.Outcome{Step: "10-gone", Dockerfile: "Dockerfile"}
	was := Run{Engine: &engine.Engine{Name: "docker", Version: "29", Builder: engine.BuildKit}, Steps: []run.Outcome{gone, first, second}}
	kept := second
	kept.Before = "docker 29 and its buildkit builder"

	podman := &engine.Engine{Name: "podman", Version: "5", Builder: engine.Buildah}
	now := Run{Engine: podman, Base: &base.Ready{}, Steps: []run.Outcome{first}}
	for range 2 { // and the next time
		assert.Equal(t, []string{"11-a (Dockerfile), of docker 29 and its buildkit builder"}, now.KeepLeftOut(was, steps))
		assert.Equal(t, []run.Outcome{first, kept}, now.Steps)
		assert.Contains(t, now.Transcripts("11-a")[1], "hello\n# Seen before, with docker 29 and its buildkit builder.\n")
		was, now.Steps = now, []run.Outcome{first}
	}
	now.Engine = &engine.Engine{Builder: engine.BuildKit}
	assert.Empty(t, now.KeepLeftOut(was, steps), "here it could have been tried")
	assert.Equal(t, []run.Outcome{first}, now.Steps)
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
