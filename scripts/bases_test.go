package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/engine"
	"optimizing-dockerfile/scripts/internal/enginetest"
	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/trial"
)

// The three bases of bases.yaml, on the engine that is there, or stand-ins for
// them: what steps.yaml foretells of each comes to pass.
func TestTheStepsDoOnEveryBaseWhatIsForetold(t *testing.T) {
	enginetest.SomeMinutes(t)
	command := program(t, "run", "all", "--base", "all", "--json")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var matrix record.Matrix
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &matrix), "stderr: %s", stderr.String())
	require.NoError(t, err, "stderr: %s", stderr.String())
	assert.Equal(t, "matrix", matrix.Kind)
	assert.Equal(t, trial.AsExpected, matrix.Verdict)
	ends := map[string]string{}
	for _, run := range matrix.Runs {
		for _, o := range run.Steps {
			assert.Equal(t, trial.AsExpected, o.Verdict, "%s, %s: %v", run.Base.Name, o.Step, o.Reasons)
		}
		third := run.Of("03-exec-form")
		require.Len(t, third, 1, run.Base.Name)
		ends[run.Base.Name] = third[0].Outcome + " " + third[0].Missing
		recorded, err := record.Read("../steps", run.Base.Name)
		require.NoError(t, err)
		require.NotNil(t, recorded, run.Base.Name)
		assert.Empty(t, record.Compare(*recorded, run), run.Base.Name)
	}
	loader := map[string][2]string{
		"amd64": {"/lib/ld-musl-x86_64.so.1", "/lib64/ld-linux-x86-64.so.2"},
		"arm64": {"/lib/ld-musl-aarch64.so.1", "/lib/ld-linux-aarch64.so.1"},
	}[matrix.Runs[0].Engine.Arch]
	for base, end := range map[string]string{
		"article": "fails " + loader[0], "today-alpine": "runs ", "today-bookworm": "fails " + loader[1],
	} {
		assert.Equal(t, end, ends[base], base)
	}
}

// An image that the repo has never heard of is looked into, and what it lacks foretells every step.
func TestAnUnknownBaseIsForetoldFromWhatItHolds(t *testing.T) {
	e := enginetest.Engine(t)
	doc, _ := ranSteps(t)
	derive := func(name, instruction string) string {
		dir := t.TempDir()
		text := "FROM " + doc.Base.Image + "\n" + instruction + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
		tag := engine.Repository + "/unknown:" + name
		_, err := e.Build(context.Background(), engine.BuildRequest{Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tag: tag, Made: engine.MadeStep})
		require.NoError(t, err)
		t.Cleanup(func() { e.Call(context.Background(), "rmi", "--no-prune", tag) })
		return tag
	}

	same, code := document(t, "3", "--base", derive("same", "LABEL x=y"))
	assert.Equal(t, exitExpected, code)
	require.Len(t, same.Steps, 1, same.Reason)
	assert.Equal(t, "missing-loader", same.Steps[0].Cause)

	without, code := document(t, "all", "--base", derive("no-adduser", `RUN rm "$(command -v adduser)"`))
	assert.Equal(t, exitExpected, code)
	require.Len(t, without.Steps, 7, without.Reason)
	for _, o := range without.Steps {
		assert.Equal(t, []string{lesson.Build, trial.CommandNotFound, trial.AsExpected}, []string{o.Phase, o.Cause, o.Verdict}, "%s: %v", o.Step, o.Reasons)
	}

	for name, instruction := range map[string]string{
		"no Go": `RUN rm "$(command -v go)"`, "by hand": "ENV CGO_ENABLED=0",
	} {
		cannot, code := document(t, "3", "--base", derive("odd", instruction))
		assert.Equal(t, exitEnvironment, code, name)
		assert.Empty(t, cannot.Steps, name)
		assert.Contains(t, cannot.Reason, "cannot be told beforehand", name)
	}
}

// The lessons after the article, each with its figure.
func TestTheLessonsAfterTheArticleDoWhatTheySay(t *testing.T) {
	enginetest.Long(t)
	doc, code := document(t, "beyond")
	assert.Equal(t, exitExpected, code)
	for _, o := range doc.Steps {
		assert.Equal(t, trial.AsExpected, o.Verdict, "%s (%s): %v", o.Step, o.Dockerfile, o.Reasons)
		assert.True(t, o.Measured != nil || o.Outcome == lesson.Fails, "%s (%s) has its figure", o.Step, o.Dockerfile)
	}
	want := 0
	for _, step := range everyStep(t)[6:] {
		for _, try := range step.Tries {
			if try.Needs == "" || try.Needs == doc.Engine.Builder {
				want++
			}
		}
	}
	assert.Len(t, doc.Steps, want)
}
