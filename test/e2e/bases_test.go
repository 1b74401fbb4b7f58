package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// The bases of bases.yaml, on the engine that is there, or stand-ins for
// them: what steps.yaml foretells of each comes to pass.
func TestTheStepsDoOnEveryBaseWhatIsForetold(t *testing.T) {
	engines.Engine(t)
	doOnEveryBase(t, tool.Program(t, "run", "all", "--base", "all", "--json"))
}

func doOnEveryBase(t *testing.T, command *exec.Cmd) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var matrix record.Matrix
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &matrix), "stderr: %s", stderr.String())
	require.NoError(t, err, "stderr: %s", stderr.String())
	assert.Equal(t, "matrix", matrix.Kind)
	assert.Equal(t, run.AsExpected, matrix.Verdict)
	ends := map[string]string{}
	for _, doc := range matrix.Runs {
		for _, o := range doc.Steps {
			assert.Equal(t, run.AsExpected, o.Verdict, "%s, %s: %v", doc.Base.Name, o.Step, o.Reasons)
		}
		third := doc.Of("03-exec-form")
		require.Len(t, third, 1, doc.Base.Name)
		ends[doc.Base.Name] = third[0].Outcome + " " + third[0].Missing
		recorded, err := record.Read("../../steps", doc.Base.Name)
		require.NoError(t, err)
		require.NotNil(t, recorded, doc.Base.Name)
		assert.Empty(t, record.Compare(*recorded, doc), doc.Base.Name)
	}
	loader := map[string][2]string{
		"amd64": {"/lib/ld-musl-x86_64.so.1", "/lib64/ld-linux-x86-64.so.2"},
		"arm64": {"/lib/ld-musl-aarch64.so.1", "/lib/ld-linux-aarch64.so.1"},
	}[matrix.Runs[0].Engine.Arch]
	for base, end := range map[string]string{
		"article": "fails " + loader[0], "today-alpine": "runs ", "today-bookworm": "fails " + loader[1], "today-trixie": "fails ",
	} {
		assert.Equal(t, end, ends[base], base)
	}
}

// An image that the repo has never heard of is looked into, and what it lacks foretells every step.
func TestAnUnknownBaseIsForetoldFromWhatItHolds(t *testing.T) {
	e := engines.Engine(t)
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

	same, code := tool.Document(t, "3", "--base", derive("same", "LABEL x=y"))
	assert.Equal(t, tool.Expected, code)
	require.Len(t, same.Steps, 1, same.Reason)
	assert.Equal(t, "missing-loader", same.Steps[0].Cause)

	without, code := tool.Document(t, "all", "--base", derive("no-adduser", `RUN rm "$(command -v adduser)"`))
	assert.Equal(t, tool.Expected, code)
	require.Len(t, without.Steps, 7, without.Reason)
	for _, o := range without.Steps {
		assert.Equal(t, []string{table.Build, run.CommandNotFound, run.AsExpected}, []string{o.Phase, o.Cause, o.Verdict}, "%s: %v", o.Step, o.Reasons)
	}

	for name, instruction := range map[string]string{
		"no Go": `RUN rm "$(command -v go)"`, "by hand": "ENV CGO_ENABLED=0",
	} {
		cannot, code := tool.Document(t, "3", "--base", derive("odd", instruction))
		assert.Equal(t, tool.Environment, code, name)
		assert.Empty(t, cannot.Steps, name)
		assert.Contains(t, cannot.Reason, "cannot be told beforehand", name)
	}
}

// The lessons after the article, each with its figure.
func TestTheLessonsAfterTheArticleDoWhatTheySay(t *testing.T) {
	engines.Long(t)
	doWhatLessonsSay(t, tool.Program(t, "run", "beyond", "--json"))
}

func doWhatLessonsSay(t *testing.T, command *exec.Cmd) {
	t.Helper()
	doc, code := tool.DocumentOf(t, command)
	assert.Equal(t, tool.Expected, code)
	for _, o := range doc.Steps {
		assert.Equal(t, run.AsExpected, o.Verdict, "%s (%s): %v", o.Step, o.Dockerfile, o.Reasons)
		assert.True(t, o.Measured != nil || o.Outcome == table.Fails, "%s (%s) has its figure", o.Step, o.Dockerfile)
	}
	want := 0
	for _, step := range everyStep(t)[6:] {
		for _, try := range step.Tries {
			if try.LeftOut(doc.Engine.Builder) == "" {
				want++
			}
		}
	}
	assert.Len(t, doc.Steps, want)
}
