package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// A teacher's demonstrations, the images to judge, and what breaks the Dockerfile today:
// TestEveryEngine runs them with each builder, these on the engine that is there.
func TestTheDemonstrationsShowWhatTheGuideSays(t *testing.T) {
	engines.Long(t)
	showsTheDemos(t, tool.Program(t, "run", "demos", "--json"))
}

func TestTheImagesToJudge(t *testing.T) {
	engines.Long(t)
	judgesTheImages(t, tool.Program(t, "run", "judge", "--json"))
}

func TestWhatBreaksItToday(t *testing.T) {
	engines.Long(t)
	breaksToday(t, tool.Program(t, "run", "today", "--json"))
}

// asForetold runs a course: every try of it ends as its table says.
func asForetold(t *testing.T, command *exec.Cmd, tries int) (doc record.Run, of map[string]run.Outcome) {
	t.Helper()
	doc, code := tool.DocumentOf(t, command)
	assert.Equal(t, tool.Expected, code, doc.Reason)
	of = map[string]run.Outcome{}
	for _, o := range doc.Steps {
		assert.Equal(t, run.AsExpected, o.Verdict, "%s (%s): %v", o.Step, o.Dockerfile, o.Reasons)
		of[o.Step+" "+o.Dockerfile] = o
	}
	require.Len(t, of, tries)
	return doc, of
}

func showsTheDemos(t *testing.T, command *exec.Cmd) {
	sqlite := filepath.Join(tool.Root(), "workshop", "demos", "04-sqlite")
	if _, err := os.Stat(filepath.Join(sqlite, "vendor")); err != nil { // the base has no network to get the driver by
		vendor := exec.Command("go", "mod", "vendor")
		vendor.Dir, vendor.Env = sqlite, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := vendor.CombinedOutput()
		require.NoError(t, err, string(out))
		t.Cleanup(func() { os.RemoveAll(filepath.Join(sqlite, "vendor")) })
	}
	_, of := asForetold(t, command, 4)
	recorded, err := record.Read(filepath.Join(tool.Root(), "steps"), "article")
	require.NoError(t, err)
	assert.Contains(t, of["01-remove-at-the-end Dockerfile.first-try"].Message, "Permission denied")
	assert.GreaterOrEqual(t, of["01-remove-at-the-end Dockerfile"].Image.Bytes, recorded.Of("01-single-stage")[0].Image.Bytes*99/100,
		"what is deleted at the end makes nothing smaller")
	assert.Contains(t, of["02-copy-a-shell Dockerfile"].Message, "/bin/sh: /echo: not found")
	assert.Contains(t, of["04-sqlite Dockerfile"].Message, "go-sqlite3 requires cgo to work")
}

// judgesTheImages sees each run on its base, and end in scratch as the table says.
func judgesTheImages(t *testing.T, command *exec.Cmd) {
	_, of := asForetold(t, command, 8)
	assert.Contains(t, of["01-tls-client Dockerfile"].Message, "x509: certificate signed by unknown authority")
}

// breaksToday sees each build fail first, for the cause that the table names, and mended.
func breaksToday(t *testing.T, command *exec.Cmd) {
	doc, _ := asForetold(t, command, 4)
	assert.Regexp(t, `^1\.2[1-9]`, doc.Base.Go, "it is today's base that it runs on")
}
