package records

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

// recorded is the repo's own record, to be changed by a test.
func recorded(t *testing.T) record.Run {
	doc, err := record.Read("../../steps", "article")
	require.NoError(t, err)
	require.NotNil(t, doc)
	return *doc
}

// third gives the entry of step 3.
func third(doc record.Run) *run.Outcome {
	for i := range doc.Steps {
		if doc.Steps[i].Step == "03-exec-form" {
			return &doc.Steps[i]
		}
	}
	return nil
}

func TestCompareNamesWhatDiffers(t *testing.T) {
	assert.Empty(t, Compare(recorded(t), recorded(t)))
	anotherRuntime := func(doc record.Run) { doc.Engine.Runtime = "runc 1.2.0" }
	one := 1
	for name, c := range map[string]struct {
		change func(record.Run)
		says   string
	}{
		"outcome":         {func(r record.Run) { third(r).Outcome = "runs" }, "the outcome was fails, is runs"},
		"phase":           {func(r record.Run) { third(r).Phase = "start" }, "the phase was exec, is start"},
		"cause":           {func(r record.Run) { third(r).Cause = "missing-shell" }, "the cause was missing-loader, is missing-shell"},
		"loader":          {func(r record.Run) { third(r).Missing = "/lib/x" }, "what is missing was /lib/ld-musl-x86_64.so.1, is /lib/x"},
		"user":            {func(r record.Run) { third(r).User = "1:1" }, "the user was 0:0, is 1:1"},
		"libc":            {func(r record.Run) { third(r).Libc = "glibc" }, "the libc was musl, is glibc"},
		"size":            {func(r record.Run) { third(r).Image.Bytes += 500_000 }, "the size was"},
		"a little larger": {func(r record.Run) { third(r).Image.Bytes += 50_000 }, ""},
		"seconds":         {func(r record.Run) { third(r).Seconds.Build = 99 }, ""},
		"message":         {func(r record.Run) { third(r).Message = "other words" }, "the message was"},
		"exit code":       {func(r record.Run) { code := 99; third(r).ExitCode = &code }, "is 99"},
		"another's words": {func(r record.Run) { anotherRuntime(r); third(r).Message = "other words"; third(r).ExitCode = &one }, ""},
		"another's proof": {func(r record.Run) { anotherRuntime(r); third(r).Cause = "missing-shell" }, "the cause was"},
		"another machine": {func(r record.Run) { r.Base.Platform.Arch = "arm64"; third(r).Missing = "/lib/ld-musl-aarch64.so.1" }, ""},
		"pulled, step 1":  {func(r record.Run) { r.Base.Source = "pulled"; r.Steps[0].Image.Bytes *= 2 }, ""},
		"pulled, step 3":  {func(r record.Run) { r.Base.Source = "pulled"; third(r).Image.Bytes *= 2 }, "the size was"},
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

// repo is a copy of the repo's lessons, with no record yet of the article's.
func repo(t *testing.T) (root, steps string) {
	root = t.TempDir()
	for _, dir := range []string{"steps", "beyond", "workshop"} {
		require.NoError(t, os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join("../..", dir))))
	}
	steps = filepath.Join(root, "steps")
	require.NoError(t, os.RemoveAll(filepath.Join(steps, "records")))
	return root, steps
}

func keeps(t *testing.T, root string, doc record.Run, beside, accept bool) {
	t.Helper()
	_, err := Keep(root, doc, beside, accept)
	require.NoError(t, err)
}

// A changed outcome is refused unless it is accepted, and the old record stays whole.
func TestAChangedOutcomeIsRefused(t *testing.T) {
	root, steps := repo(t)
	keeps(t, root, recorded(t), false, false) // the first record
	first, err := os.ReadFile(filepath.Join(steps, "records", "article.json"))
	require.NoError(t, err)

	changed := recorded(t)
	third(changed).Cause = "missing-shell"
	_, err = Keep(root, changed, false, false)
	assert.ErrorContains(t, err, "the cause was missing-loader, is missing-shell")
	kept, err := os.ReadFile(filepath.Join(steps, "records", "article.json"))
	require.NoError(t, err)
	assert.Equal(t, string(first), string(kept))

	keeps(t, root, changed, false, true)
	again, err := record.Read(steps, "article")
	require.NoError(t, err)
	assert.Equal(t, doctor.MissingShell, third(*again).Cause)
}

// What is not all of a folder's steps, as they are typed at the repo's root, is no record.
func TestWhatIsNoRecordIsRefused(t *testing.T) {
	root, _ := repo(t)
	for says, change := range map[string]func(doc *record.Run){
		"nothing to record: no engine":  func(doc *record.Run) { *doc = record.Run{Verdict: run.Environment, Reason: "no engine"} },
		"no run of the article's steps": func(doc *record.Run) { doc.Steps = nil },
		"02-multistage is not in it":    func(doc *record.Run) { doc.Steps = slices.Delete(doc.Steps, 1, 2) },
		"types them at the repo's root": func(doc *record.Run) {
			doc.Steps[0].Commands[0] = []string{"docker", "build", "../steps/01-single-stage"}
		},
		"03-exec-form: something is new":  func(doc *record.Run) { third(*doc).Reasons = []run.Reason{{What: "something is new"}} },
		"no run of the article's steps, ": func(doc *record.Run) { doc.Steps[0].Step = "another" },
	} {
		doc := recorded(t)
		change(&doc)
		_, err := Keep(root, doc, false, false)
		assert.ErrorContains(t, err, says)
	}
}

// The lessons after the article's have records of their own.
func TestARecordLiesWithItsLessons(t *testing.T) {
	root, steps := repo(t)
	doc, err := record.Read("../../beyond", "article")
	require.NoError(t, err)
	keeps(t, root, *doc, false, true)
	assert.NoFileExists(t, filepath.Join(steps, "records", "article.json"))
	kept, err := record.Read(filepath.Join(root, "beyond"), "article")
	require.NoError(t, err)
	assert.Equal(t, doc, kept)
}

// A record beside the first is another engine's: it is held against that engine's runs.
func TestARecordBesideIsAnotherEngines(t *testing.T) {
	root, steps := repo(t)
	keeps(t, root, recorded(t), false, false)
	other := recorded(t)
	other.Engine.Name, other.Engine.Version = "podman", "4.3.1+ds1"
	other.Steps[1].Message = "podman's words"
	keeps(t, root, other, true, false)
	for name, of := range map[string]record.Run{"article.podman-4.3.1": other, "article": recorded(t)} {
		kept, err := record.Read(steps, name)
		require.NoError(t, err)
		assert.Equal(t, of.Steps[1].Message, kept.Steps[1].Message)
	}
}

// A run that has to leave a try out, as its builder is another, takes nothing from the record.
func TestWhatARunLeavesOutStaysInTheRecord(t *testing.T) {
	steps := []table.Step{{Name: "11-a", Tries: []table.Try{{Dockerfile: "Dockerfile.first-try"}, {Dockerfile: "Dockerfile", Needs: engine.BuildKit}}}}
	first, second := run.Outcome{Step: "11-a", Dockerfile: "Dockerfile.first-try"}, run.Outcome{Step: "11-a", Dockerfile: "Dockerfile", Message: "hello"}
	gone := run.Outcome{Step: "10-gone", Dockerfile: "Dockerfile"}
	was := record.Run{Engine: &engine.Engine{Name: "docker", Version: "29", Builder: engine.BuildKit}, Steps: []run.Outcome{gone, first, second}}
	kept := second
	kept.Before = "docker 29 and its buildkit builder"

	podman := &engine.Engine{Name: "podman", Version: "5", Builder: engine.Buildah}
	now := record.Run{Engine: podman, Base: &base.Ready{}, Steps: []run.Outcome{first}}
	for range 2 { // and the next time
		assert.Equal(t, []string{"11-a (Dockerfile), of docker 29 and its buildkit builder"}, keepLeftOut(&now, was, steps))
		assert.Equal(t, []run.Outcome{first, kept}, now.Steps)
		assert.Contains(t, now.Transcripts("11-a")[1], "hello\n# Seen before, with docker 29 and its buildkit builder.\n")
		was, now.Steps = now, []run.Outcome{first}
	}
	now.Engine = &engine.Engine{Builder: engine.BuildKit}
	assert.Empty(t, keepLeftOut(&now, was, steps), "here it could have been tried")
	assert.Equal(t, []run.Outcome{first}, now.Steps)
}
