// Package e2e runs the tool on real engines.
package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/engines/warm"
	"optimizing-dockerfile/test/records"
	"optimizing-dockerfile/test/tool"
)

// allSteps is one run of everything, for the tests that look at it.
var allSteps struct {
	sync.Once
	doc record.Run
}

// ranSteps gives that run, where there is an engine.
func ranSteps(t *testing.T) (record.Run, map[string]run.Outcome) {
	engines.Here(t)
	allSteps.Do(func() { allSteps.doc, _ = tool.Document(t, "all") })
	doc := allSteps.doc
	require.NotEmpty(t, doc.Steps, doc.Reason)
	of := map[string]run.Outcome{}
	for _, o := range doc.Steps {
		of[o.Step+" "+o.Dockerfile] = o
	}
	return doc, of
}

// The article's six steps, on the engine that is there.
func TestTheSixStepsDoWhatTheArticleShows(t *testing.T) {
	doc, of := ranSteps(t)
	for _, o := range doc.Steps {
		assert.Equal(t, run.AsExpected, o.Verdict, "%s: %v", o.Step, o.Reasons)
	}
	assert.Equal(t, run.AsExpected, doc.Verdict)
	assert.Len(t, doc.Steps, 7)
	assert.Equal(t, "musl", doc.Base.Libc)

	loader := map[string]string{"amd64": "/lib/ld-musl-x86_64.so.1", "arm64": "/lib/ld-musl-aarch64.so.1"}[doc.Engine.Arch]
	third := of["03-exec-form Dockerfile"]
	assert.Equal(t, []any{table.Fails, table.Exec, doctor.MissingLoader, loader}, []any{third.Outcome, third.Phase, third.Cause, third.Missing})
	for _, name := range []string{"02-multistage Dockerfile", "06-nonroot-scratch Dockerfile.first-try"} {
		o := of[name]
		assert.Equal(t, []any{table.Fails, table.Start, doctor.MissingShell, "/bin/sh"}, []any{o.Outcome, o.Phase, o.Cause, o.Missing}, name)
	}
	assert.Equal(t, "12345:12345", of["06-nonroot-scratch Dockerfile"].User)
	for name, o := range of {
		if !assert.NotNil(t, o.Image, name) {
			continue
		}
		if name == "05-named-stages Dockerfile" && of["04-cgo-disabled Dockerfile"].Image != nil {
			assert.Equal(t, of["04-cgo-disabled Dockerfile"].Image.Layers, o.Image.Layers)
		}
		if !strings.HasPrefix(name, "01") {
			assert.LessOrEqual(t, o.Image.Bytes-o.Image.Binary, int64(1000), name)
		}
		assert.Len(t, o.Commands, 2, name)
	}
}

// The recorded proof still holds; wording is compared only where the same engine speaks.
func TestTheRunAgreesWithTheRecord(t *testing.T) {
	doc, _ := ranSteps(t)
	all, err := record.ReadAll("../../steps")
	require.NoError(t, err)
	require.NotEmpty(t, all)
	recorded := all[0]
	for _, one := range all {
		if one.Base.Name == "article" && one.Engine.Same(doc.Engine) {
			recorded = one
		}
	}
	assert.Empty(t, records.Compare(recorded, doc))
}

// A wrong failure never passes for the expected one: each mutation of a step is
// unexpected, for a reason that names it.
func TestAWrongFailureNeverPasses(t *testing.T) {
	e := engines.Engine(t)
	behind := warm.Base(t, e, "../..", "article")
	small := func(body string) func(string) string { // without Gin: it compiles in no time
		return func(string) string {
			imports := ""
			for _, name := range []string{"net/http", "os", "time"} {
				if strings.Contains(body, filepath.Base(name)+".") {
					imports += "import \"" + name + "\"\n"
				}
			}
			return "package main\n\n" + imports + "\nfunc main() { " + body + " }\n"
		}
	}
	replace := func(old, new string) func(string) string {
		return func(text string) string {
			require.Contains(t, text, old)
			return strings.Replace(text, old, new, 1)
		}
	}
	for name, c := range map[string]struct {
		step, file string
		mutate     func(string) string
		says       string
	}{
		"another entrypoint path":   {"03", "Dockerfile", replace(`["/echo"]`, `["/ekko"]`), "the cause is missing-entrypoint (/ekko), not missing-loader"},
		"a shell in step 2":         {"02", "Dockerfile", replace("ENTRYPOINT /echo", "COPY --from=0 /bin/busybox /bin/sh\nENTRYPOINT /echo"), "not missing-shell (/bin/sh)"},
		"cgo left on in step 4":     {"04", "Dockerfile", replace("ENV CGO_ENABLED=0\n", ""), "the outcome is a failure in phase exec with missing-loader (/lib/ld-musl-"},
		"a compile error":           {"03", "main.go", small("nonsense()"), "the cause is compile-error (RUN go build -o echo .), not missing-loader"},
		"no such command":           {"03", "Dockerfile", replace("RUN adduser", "RUN addduser"), "the cause is command-not-found (RUN addduser --disabled-password echo)"},
		"USER dropped":              {"06", "Dockerfile", replace("USER echo:echo\n", ""), "the user that it runs as is 0:0, not 12345:12345"},
		"USER unknown":              {"06", "Dockerfile", replace("USER echo:echo", "USER ekko:echo"), "unknown-user (ekko)"},
		"USER's group unknown":      {"06", "Dockerfile", replace("USER echo:echo", "USER echo:ekko"), "unknown-group (ekko)"},
		"USER of another uid":       {"06", "passwd", replace("12345", "54321"), "the user that it runs as is 54321:12345, not 12345:12345"},
		"a fat image":               {"04", "Dockerfile", replace("ENTRYPOINT", "COPY --from=0 /home/echo/go.sum /\nENTRYPOINT"), "what the image holds beside /echo is 5.35kB, not at most 1kB"},
		"step 3 succeeds":           {"03", "Dockerfile", replace("RUN go build", "RUN CGO_ENABLED=0 go build"), "the outcome is the echo, not a failure in phase exec with missing-loader"},
		"layers of its own":         {"05", "main.go", replace("package main", "package main // other"), "its list of layers is its own, not that of 04-cgo-disabled"},
		"another log":               {"04", "main.go", replace("gin.Default()", "gin.New()"), "line 1 of its log is"},
		"answers wrongly":           {"04", "main.go", small(`http.ListenAndServe(":8080", http.NotFoundHandler())`), "wrong-answer"},
		"listens elsewhere":         {"04", "main.go", small(`http.ListenAndServe(":8081", nil)`), "no-answer"},
		"never listens":             {"04", "main.go", small(`time.Sleep(time.Hour)`), "no-answer"},
		"dies":                      {"04", "main.go", small(`os.Exit(3)`), "exited (it started, and ended by itself with status 3)"},
		"prints the loader's error": {"03", "main.go", small(`println("exec /echo: no such file or directory"); os.Exit(1)`), "the cause is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tool.StepsWith(t, c.step, c.file, c.mutate)
			doc, code := tool.Document(t, "--steps", dir, "--base", behind, c.step)
			assert.Equal(t, tool.Unexpected, code)
			assert.Equal(t, run.Unexpected, doc.Verdict)
			for _, o := range doc.Steps {
				e.Output(context.Background(), "rmi", o.Commands[0][slices.Index(o.Commands[0], "--tag")+1])
			}
			assert.Contains(t, strings.Join(tool.Reasons(doc), "\n"), c.says)
		})
	}
}

// What a run has built side by side, the next one finds: it makes no image anew.
func TestASecondRunMakesNothing(t *testing.T) {
	e := engines.Engine(t)
	behind, dir := warm.Base(t, e, "../..", "article"), t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../steps")))
	change := func(files string, to func(text string) string) {
		all, err := filepath.Glob(filepath.Join(dir, files))
		require.NoError(t, err)
		for _, file := range all {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, []byte(to(string(text))), 0o644))
		}
	}
	change("*/main.go", func(string) string { return "package main\n\nfunc main() {}\n" }) // it compiles in no time
	change("*/Dockerfile*", func(text string) string { return strings.ReplaceAll(text, "RUN adduser", "RUN : "+dir+"; adduser") })
	var images [2]int
	for i := range images {
		doc, _ := tool.Document(t, "all", "--steps", dir, "--base", behind)
		require.Len(t, doc.Steps, 7, doc.Reason)
		all, err := e.Output(t.Context(), "images", "--all", "--quiet", "--no-trunc")
		require.NoError(t, err)
		images[i] = len(strings.Fields(all))
	}
	assert.Equal(t, images[0], images[1])
}

// What the environment cannot give is never taken for a failure of the step.
func TestTheEnvironmentIsNotTheStep(t *testing.T) {
	engines.Engine(t)
	doc, code := tool.Document(t, "3", "--base", "optimizing-dockerfile/none:of-this-name")
	assert.Equal(t, tool.Environment, code)
	assert.Equal(t, run.Environment, doc.Verdict)
	assert.Contains(t, doc.Reason, "optimizing-dockerfile/none:of-this-name")
	assert.Empty(t, doc.Steps)
}

// Whatever platform docker's program takes by itself: all is built and started for the base's.
func TestThePlatformIsTheBases(t *testing.T) {
	engines.Engine(t)
	ranSteps(t) // which sees to the base
	other := map[string]string{"amd64": "linux/arm64", "arm64": "linux/amd64"}[runtime.GOARCH]
	command := tool.Program(t, "run", "--json", "3", "4")
	command.Env = append(command.Env, "DOCKER_DEFAULT_PLATFORM="+other)
	doc, code := tool.DocumentOf(t, command)
	assert.Equal(t, tool.Expected, code, tool.Reasons(doc))
	for _, o := range doc.Steps {
		for _, words := range o.Commands {
			assert.Subset(t, words, []string{"--platform", doc.Base.Platform.String()}, "a reader who types it gets the same")
		}
	}
}

func TestMain(m *testing.M) { os.Exit(tool.Main(m)) }

// everyStep gives the article's steps and the lessons after it.
func everyStep(t *testing.T) []table.Step {
	steps, err := table.Load("../../steps")
	require.NoError(t, err)
	beyond, err := table.Load("../../beyond", steps...)
	require.NoError(t, err)
	return append(steps, beyond...)
}

// The second image has the first one's layers, so it is never asked for: a name
// that the engine does not know shows it. Its config is its own all the same.
func TestCacheReadsTheSameLayersOnce(t *testing.T) {
	e := engines.Engine(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "source"), []byte("held"), 0o644))
	var cache source.Cache
	defer cache.Close()

	one := built(t, e, dir, "COPY source /file\nCMD [\"one\"]")
	first, err := cache.Open(t.Context(), e, one)
	require.NoError(t, err)
	require.NoError(t, first.Close())

	two := built(t, e, dir, "COPY source /file\nCMD [\"two\"]")
	require.Equal(t, one.RootFS.Layers, two.RootFS.Layers)
	two.ID = "optimizing-dockerfile/none:none"
	second, err := cache.Open(t.Context(), e, two)
	require.NoError(t, err)
	assert.Equal(t, []string{"two"}, second.About().Config.Cmd)
	assert.Equal(t, "held", content(t, second, "/file"))

	other := built(t, e, dir, "COPY source /elsewhere\nCMD [\"one\"]")
	unknown := other
	unknown.ID = two.ID
	_, err = cache.Open(t.Context(), e, unknown)
	assert.Error(t, err, "other layers are other files")
	third, err := cache.Open(t.Context(), e, other)
	require.NoError(t, err, "what could not be read once can be later")
	assert.Equal(t, "held", content(t, third, "/elsewhere"))
}

func content(t *testing.T, img image.Image, path string) string {
	file, err := img.Open(t.Context(), path)
	require.NoError(t, err)
	text := make([]byte, file.Size())
	_, err = file.ReadAt(text, 0)
	require.NoError(t, err)
	return string(text)
}

// built makes an image from scratch for this test, and takes it away after it.
func built(t *testing.T, e *engine.Engine, dir, instructions string) engine.Image {
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"+instructions+"\n"), 0o644))
	out, err := e.Output(t.Context(), append(append([]string{"build", "--quiet"}, engine.Kept()...), dir)...)
	require.NoError(t, err)
	words := strings.Fields(out)
	id := words[len(words)-1]
	t.Cleanup(func() { e.Output(context.Background(), "rmi", id) })
	about, err := e.FindImage(t.Context(), id)
	require.NoError(t, err)
	require.NotNil(t, about)
	return *about
}

// The image has no passwd: nothing but the process itself could tell.
func TestTheKernelTellsWhomAContainerRunsAs(t *testing.T) {
	e := engines.Engine(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go":    "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n",
		"Dockerfile": "FROM scratch\nCOPY sleeper /\nUSER 12345:54321\nCMD [\"/sleeper\"]\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	compile := exec.Command("go", "build", "-o", "sleeper", "main.go")
	compile.Dir = dir
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+e.Arch)
	words, err := compile.CombinedOutput()
	require.NoError(t, err, string(words))
	image := engine.Repository + ":sleeper"
	_, err = e.Build(t.Context(), engine.BuildRequest{
		Dir: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Tag: image, Made: engine.MadeStep,
	})
	require.NoError(t, err)
	t.Cleanup(func() { e.Output(context.Background(), "rmi", image) })

	const name = engine.Repository + "-sleeper"
	require.NoError(t, e.StartContainer(t.Context(), image, e.Platform(), name, "127.0.0.1:", false))
	defer e.Remove(t.Context(), name)
	container, err := e.Inspect(t.Context(), name)
	require.NoError(t, err)
	account := e.Account(container)
	if account == "" {
		engines.Without(t, "an engine whose processes this kernel shows, under their own numbers")
	}
	assert.Equal(t, "12345:54321", account)

	container.ID = "another"
	assert.Empty(t, e.Account(container), "a process of another container")
}
