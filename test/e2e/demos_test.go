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
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// The images to judge: each runs on its base, and ends in scratch as their table says.
func TestTheImagesToJudge(t *testing.T) {
	engines.Engine(t)
	doc, code := tool.Document(t, "judge")
	assert.Equal(t, tool.Expected, code)
	for _, o := range doc.Steps {
		assert.Equal(t, run.AsExpected, o.Verdict, "%s (%s): %v", o.Step, o.Dockerfile, o.Reasons)
		if o.Step == "01-tls-client" && o.Outcome == table.Fails {
			assert.Contains(t, o.Message, "x509: certificate signed by unknown authority")
		}
	}
	assert.Len(t, doc.Steps, 8)
}

// A teacher's demonstrations show what the guide says they show.
func TestTheDemonstrationsShowWhatTheGuideSays(t *testing.T) {
	engines.Engine(t)
	sqlite := filepath.Join(tool.Root(), "workshop", "demos", "04-sqlite")
	if _, err := os.Stat(filepath.Join(sqlite, "vendor")); err != nil { // the base has no network to get the driver by
		vendor := exec.Command("go", "mod", "vendor")
		vendor.Dir, vendor.Env = sqlite, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := vendor.CombinedOutput()
		require.NoError(t, err, string(out))
		t.Cleanup(func() { os.RemoveAll(filepath.Join(sqlite, "vendor")) })
	}
	doc, code := tool.Document(t, "demos")
	assert.Equal(t, tool.Expected, code)
	of := map[string]run.Outcome{}
	for _, o := range doc.Steps {
		assert.Equal(t, run.AsExpected, o.Verdict, "%s: %v", o.Step, o.Reasons)
		of[o.Step+" "+o.Dockerfile] = o
	}
	require.Len(t, of, 4)

	recorded, err := record.Read(filepath.Join(tool.Root(), "steps"), "article")
	require.NoError(t, err)
	assert.Contains(t, of["01-remove-at-the-end Dockerfile.first-try"].Message, "Permission denied")
	assert.GreaterOrEqual(t, of["01-remove-at-the-end Dockerfile"].Image.Bytes, recorded.Of("01-single-stage")[0].Image.Bytes*99/100,
		"what is deleted at the end makes nothing smaller")
	assert.Contains(t, of["02-copy-a-shell Dockerfile"].Message, "/bin/sh: /echo: not found")
	assert.Contains(t, of["04-sqlite Dockerfile"].Message, "go-sqlite3 requires cgo to work")
}

// What breaks the article's Dockerfile today: each fails first, for the cause that the table names, and is mended.
func TestWhatBreaksItToday(t *testing.T) {
	engines.Long(t)
	doc, code := tool.Document(t, "today")
	assert.Equal(t, tool.Expected, code)
	assert.Equal(t, "today-alpine", doc.Base.Name)
	for _, o := range doc.Steps {
		assert.Equal(t, run.AsExpected, o.Verdict, "%s (%s): %v", o.Step, o.Dockerfile, o.Reasons)
	}
	assert.Len(t, doc.Steps, 4)
}
