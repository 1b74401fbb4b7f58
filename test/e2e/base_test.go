package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/records"
	"optimizing-dockerfile/test/tool"
)

// The base of the article has the structure that its lesson turns on, whether
// it is the real image or the stand-in.
func TestTheArticlesBase(t *testing.T) {
	e, ctx := engines.Engine(t), t.Context()
	c, err := base.Load("../../bases")
	require.NoError(t, err)
	b, err := c.Find("article")
	require.NoError(t, err)
	ready, err := base.Ensure(ctx, e, b, tell.NewTerminal(t.Output()))
	require.NoError(t, err)
	loader := b.Loader[e.Arch]

	t.Run("its shape", func(t *testing.T) {
		out, err := e.Output(ctx, "run", "--rm", "--pull=never", "--network", "none", ready.Image, "sh", "-c", `
			go version; pwd; echo $GOLANG_VERSION $GOPATH
			command -v gcc cc clang musl-gcc
			test -f `+loader+` && test ! -L `+loader+` && echo loader; stat -c %a /go/bin
			go list -f '{{if .Stale}}{{.ImportPath}} is stale: {{.StaleReason}}{{end}}' std
			adduser --disabled-password echo && su echo -c 'cd && id -un && pwd'; grep -c ^echo: /etc/passwd /etc/group /etc/shadow`)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("go version go1.15.7 linux/%s\n/go\n1.15.7 /go\nloader\n", e.Arch)+
			"1777\necho\n/home/echo\n/etc/passwd:1\n/etc/group:1\n/etc/shadow:1", out)
	})

	t.Run("it builds and tests the app without a network", func(t *testing.T) {
		var program, said bytes.Buffer
		err := e.Run(ctx, app(t), &program, &said, "run", "--rm", "-i", "--pull=never", "--network", "none", ready.Image, "sh", "-ec",
			"mkdir /app; cd /app; tar xf -; go test . >&2; go build -o /tmp/echo .; cat /tmp/echo")
		require.NoError(t, err, said.String())
		assert.Contains(t, said.String(), "ok  \techo")
		file, err := elf.NewFile(bytes.NewReader(program.Bytes()))
		require.NoError(t, err)
		asked := ""
		for _, segment := range file.Progs {
			if segment.Type == elf.PT_INTERP {
				text := make([]byte, segment.Filesz)
				_, err := segment.ReadAt(text, 0)
				require.NoError(t, err)
				asked = strings.TrimRight(string(text), "\x00")
			}
		}
		assert.Equal(t, loader, asked)
	})

	t.Run("an image of whatever name is looked into", func(t *testing.T) {
		const name = "optimizing-dockerfile-test/foreign:1"
		_, err := e.Output(ctx, "tag", ready.Image, name)
		require.NoError(t, err)
		defer e.Output(ctx, "image", "rm", name)
		foreign, err := c.Find(name)
		require.NoError(t, err)
		found, err := base.Ensure(ctx, e, foreign, nil)
		require.NoError(t, err)
		assert.Equal(t, &base.Ready{
			Name: name, Image: name, Source: base.Present, ImageID: ready.ImageID, Bytes: ready.Bytes, Platform: ready.Platform,
			Facts: base.Facts{Go: "1.15.7", Libc: "musl", Adduser: true},
		}, found)
	})

	if ready.StandInFor == "" {
		return
	}
	t.Run("a stand-in says so", func(t *testing.T) {
		assert.Equal(t, b.Image, ready.StandInFor)
		assert.NotEqual(t, b.Image, ready.Image)
		assert.Contains(t, []string{base.Rebuilt, base.Loaded}, ready.Source, "made here, or on the teacher's machine")
	})
	t.Run("it is told from what is built on it", func(t *testing.T) {
		dir := t.TempDir()
		text := "FROM " + ready.Image + "\nLABEL a=b\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
		const name = "optimizing-dockerfile-test/user:1"
		_, err := e.Output(ctx, "build", "-t", name, dir)
		require.NoError(t, err)
		defer e.Output(ctx, "image", "rm", name)
		user, err := e.FindImage(ctx, name)
		require.NoError(t, err)
		require.Equal(t, engine.MadeBase, user.Config.Labels[engine.LabelMade], "it inherits the label")
		assert.Error(t, base.NoteLoaded(ctx, e, name, user.Config.Labels[rebuild.LabelRecipe]))
	})
	t.Run("nothing is left of the way there", func(t *testing.T) {
		left := func(words ...string) string {
			out, err := e.Output(ctx, append(words, "--quiet", "--filter", "label="+engine.LabelMade+"=base-stage")...)
			if err != nil {
				return err.Error()
			}
			return out
		}
		// Another package's tests may be at a base of their own: until that is done, it has its stages.
		assert.Eventually(t, func() bool {
			return left("ps", "--all")+left("image", "ls", "--filter", "dangling=true") == ""
		}, 8*time.Minute, 2*time.Second)
	})
}

// app gives a tar of step 3's app.
func app(t *testing.T) *bytes.Buffer {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range []string{"go.mod", "go.sum", "main.go", "main_test.go"} {
		content, err := os.ReadFile(filepath.Join("../../steps/03-exec-form", name))
		require.NoError(t, err)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
		w.Write(content)
	}
	require.NoError(t, w.Close())
	return &out
}

// The bases of bases.yaml, on the engine that is there, or stand-ins for
// them: what steps.yaml foretells of each comes to pass. In short tests it is the one with another C library.
func TestTheStepsDoOnEveryBaseWhatIsForetold(t *testing.T) {
	engines.Engine(t)
	if testing.Short() {
		doc, code := tool.Document(t, "all", "--base", "today-bookworm")
		assert.Equal(t, tool.Expected, code)
		require.NotNil(t, doc.Base, doc.Reason)
		assert.Equal(t, ends(doc.Engine.Arch)["today-bookworm"], asRecorded(t, doc))
		return
	}
	doOnEveryBase(t, tool.Program(t, "run", "all", "--base", "all", "--json"))
}

// asRecorded holds a run against what was foretold, and against the record, and says how step 3 ended.
func asRecorded(t *testing.T, doc record.Run) string {
	t.Helper()
	for _, o := range doc.Steps {
		assert.Equal(t, run.AsExpected, o.Verdict, "%s, %s: %v", doc.Base.Name, o.Step, o.Reasons)
	}
	third := doc.Of("03-exec-form")
	require.Len(t, third, 1, doc.Base.Name)
	recorded, err := record.Read("../../steps", doc.Base.Name)
	require.NoError(t, err)
	require.NotNil(t, recorded, doc.Base.Name)
	assert.Empty(t, records.Compare(*recorded, doc), doc.Base.Name)
	return third[0].Outcome + " " + third[0].Missing
}

// ends are how step 3 ends on each base.
func ends(arch string) map[string]string {
	loader := map[string][2]string{
		"amd64": {"/lib/ld-musl-x86_64.so.1", "/lib64/ld-linux-x86-64.so.2"},
		"arm64": {"/lib/ld-musl-aarch64.so.1", "/lib/ld-linux-aarch64.so.1"},
	}[arch]
	return map[string]string{
		"article": "fails " + loader[0], "today-alpine": "runs ", "today-bookworm": "fails " + loader[1], "today-trixie": "fails ",
	}
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
	ended := map[string]string{}
	for _, doc := range matrix.Runs {
		ended[doc.Base.Name] = asRecorded(t, doc)
	}
	assert.Equal(t, ends(matrix.Runs[0].Engine.Arch), ended)
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
		_, err := e.Build(context.Background(), engine.BuildRequest{
			Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tag: tag, Made: engine.MadeStep,
		})
		require.NoError(t, err)
		t.Cleanup(func() { e.Output(context.Background(), "rmi", "--no-prune", tag) })
		return tag
	}

	same, code := tool.Document(t, "3", "--base", derive("same", "LABEL x=y"))
	assert.Equal(t, tool.Expected, code)
	require.Len(t, same.Steps, 1, same.Reason)
	assert.Equal(t, doctor.MissingLoader, same.Steps[0].Cause)

	without, code := tool.Document(t, "all", "--base", derive("no-adduser", `RUN rm "$(command -v adduser)"`))
	assert.Equal(t, tool.Expected, code)
	require.Len(t, without.Steps, 7, without.Reason)
	for _, o := range without.Steps {
		seen := []any{o.Phase, o.Cause, o.Verdict}
		assert.Equal(t, []any{table.Build, run.CommandNotFound, run.AsExpected}, seen, "%s: %v", o.Step, o.Reasons)
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
		assert.True(t, !reflect.ValueOf(o.Measured).IsZero() || o.Outcome == table.Fails, "%s (%s) has its figure", o.Step, o.Dockerfile)
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
