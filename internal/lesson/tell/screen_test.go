package tell

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

// screen tells a step's story from the records, as `run N` tells it from a run.
func onScreen(t *testing.T, number, width int) string {
	steps, err := table.Load("../../../steps")
	require.NoError(t, err)
	doc, err := record.Read("../../../steps", "article")
	require.NoError(t, err)
	var out bytes.Buffer
	terminal := &Terminal{Writer: &out, Width: width}
	step := steps[number-1]
	require.NoError(t, terminal.Opening(steps, step))
	var outcomes []run.Outcome
	var sizes []Bar
	for _, s := range steps[:number] {
		bar := Bar{Step: s.Name, Article: s.ArticleSize, Recorded: s.Name != step.Name}
		for _, o := range doc.Steps {
			if o.Step == s.Name {
				bar.Bytes = o.Image.Bytes
			}
			if o.Step == step.Name && s.Name == step.Name {
				outcomes = append(outcomes, o)
			}
		}
		sizes = append(sizes, bar)
	}
	next := "More: steps/" + step.Name + "/README.md. Next: go run ./scripts run all"
	if number < len(steps) {
		next = fmt.Sprintf("More: steps/%s/README.md. Next: go run ./scripts run %d (%s), or make "+
			"step-%[2]d", step.Name, number+1, steps[number].Title)
	}
	terminal.Closing(step, outcomes, doc.Base, sizes, next)
	return out.String()
}

// A step's story fits one screen: 30 lines of 80 columns; a first try takes 16 more, a port that is in use one.
func TestAStoryFitsOneScreen(t *testing.T) {
	for number := 1; number <= 6; number++ {
		text := onScreen(t, number, 80)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		assert.LessOrEqual(t, len(lines), 30+16*strings.Count(text, "Dockerfile.first-try FAILS")+strings.Count(text, "(Port 8080"), "step %d:\n%s", number, text)
		for _, line := range lines {
			assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, "step %d: %s", number, line)
		}
		assert.Contains(t, text, "stand-in for golang:1.15.7-alpine3.13")
		assert.NotContains(t, text, "\x1b", "no colours where there is no terminal")
	}
}

// On a narrow screen only what is to be copied whole may be wider.
func TestAStoryFitsANarrowScreen(t *testing.T) {
	for number := 1; number <= 6; number++ {
		for _, line := range strings.Split(onScreen(t, number, 50), "\n") {
			if utf8.RuneCountInString(line) > 50 {
				assert.Regexp(t, `optimizing-dockerfile|adduser|Dockerfile.first-try`, line, "step %d", number)
			}
		}
	}
}

func TestTheStoryOfStepThree(t *testing.T) {
	text := onScreen(t, 3, 80)
	in := func(parts ...string) {
		at := 0
		for _, part := range parts {
			i := strings.Index(text[at:], part)
			if !assert.GreaterOrEqual(t, i, 0, "%q, in this order:\n%s", part, text) {
				return
			}
			at += i
		}
	}
	in("Step 3 of 6", "- ENTRYPOINT /echo", `+ ENTRYPOINT ["/echo"]`, "$ docker build", "$ docker run",
		"exec /echo: no such file or directory", "FAILS, as in the article: /echo is there; its loader is not",
		"/lib/ld-musl-x86_64.so.1", "392MB", "Base: a stand-in for", "Next: go run ./scripts")
}

// What a program prints cannot move the cursor, whatever it is.
func TestAProgramsEscapesAreShownNotSent(t *testing.T) {
	var out bytes.Buffer
	terminal := &Terminal{Writer: &out, Width: 80}
	terminal.message(run.Outcome{Outcome: table.Fails, Message: "\x1b]0;title\a\x1b[2Jgone\rback\u009b31m"})
	assert.NotContains(t, out.String(), "\x1b")
	assert.NotContains(t, out.String(), "\a")
	assert.NotContains(t, out.String(), "\u009b")
	assert.Contains(t, out.String(), "␛[2Jgone␍back")
}

func TestACommandIsPastedAsItStands(t *testing.T) {
	words := []string{"docker", "build", "--build-arg", "GO_IMAGE=a b", "--tag", "t", "it's"}
	assert.Equal(t, `$ docker build --build-arg 'GO_IMAGE=a b' --tag t 'it'\''s'`, Command(words, 80))
	assert.Equal(t, "$ docker build \\\n    --build-arg 'GO_IMAGE=a b' \\\n    --tag t 'it'\\''s'", Command(words, 34))
}

// What is left out is said, on a screen and elsewhere; a row that lacks it is done without.
func TestWhatIsLeftOutIsSaid(t *testing.T) {
	step := table.Step{Name: "11-a", Tries: []table.Try{{Dockerfile: "Dockerfile.first-try"}, {Dockerfile: "Dockerfile"}}}
	for _, live := range []bool{true, false} {
		var out bytes.Buffer
		reporter := run.Reporter(NewTerminal(&out))
		if live {
			reporter = newLive(&Terminal{Writer: &out, Width: 80, Live: true}, []table.Step{step})
		}
		reporter.Say("left out: 11-a (Dockerfile): it needs buildkit, and the builder here is legacy")
		reporter.Step(run.Event{Step: "11-a", Dockerfile: "Dockerfile.first-try", Doing: run.Building})
		reporter.Step(run.Event{Step: "11-a", Outcome: &run.Outcome{Outcome: "runs", User: "1:1"}})
		reporter.Say("and more")
		assert.Contains(t, out.String(), "RUNS as 1:1")
		assert.Contains(t, out.String(), "and more\n")
		assert.Contains(t, out.String(), "left out: 11-a (Dockerfile): it needs buildkit, and the builder here is legacy")
	}
}

// A table that is erased holds on to nothing: a process may run steps again and again.
func TestAnErasedTableEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		live := newLive(&Terminal{Writer: &bytes.Buffer{}, Width: 80, Live: true}, []table.Step{{Name: "01-a"}})
		live.Step(run.Event{Step: "01-a", Doing: run.Building})
		live.done()
	}
	for wait := 0; runtime.NumGoroutine() > before && wait < 100; wait++ {
		time.Sleep(10 * time.Millisecond)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), before)
}

// On a terminal with colours, all escapes are our own, wherever others' texts stand.
func TestOnlyOurOwnEscapesAreSent(t *testing.T) {
	const evil = "\x1b[2J\x1b]0;t\a\r\b\u009b31m\u202e"
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nLABEL a="+evil+"\n"), 0o644))
	step := table.Step{Name: "01-a", Title: evil, Change: evil, Why: evil, Dir: dir, Tries: []table.Try{{Dockerfile: "Dockerfile"}}}
	outcome := run.Outcome{
		Step: step.Name, Dockerfile: evil, Outcome: table.Fails, Phase: evil, Cause: evil, Detail: evil, Verdict: run.Unexpected, Missing: evil,
		Reasons: []run.Reason{{What: evil}}, Message: evil + "\n" + evil, User: evil, Address: evil, Commands: [][]string{{"docker", evil, "--tag", evil}},
		Proof: []doctor.Evidence{{Claim: evil, Path: evil, Found: evil}},
		Image: &run.Image{Bytes: 1, Files: []run.File{{Path: evil}}, User: evil},
	}
	as := outcome
	as.Verdict = run.AsExpected
	doc := record.Run{
		Engine: &engine.Engine{Name: evil, Version: evil}, Base: &base.Ready{Name: evil, Image: evil, Facts: base.Facts{Go: evil}},
		Reason: evil, Verdict: run.Unexpected, Steps: []run.Outcome{as, outcome},
	}
	var out bytes.Buffer
	terminal := &Terminal{Writer: &out, Width: 80, Color: true, Live: true}
	require.NoError(t, terminal.Opening([]table.Step{step}, step))
	terminal.Closing(step, doc.Steps, doc.Base, []Bar{{Step: step.Name, Bytes: 1}}, evil)
	terminal.Table([]table.Step{step}, doc)
	terminal.Matrix([]table.Step{step}, record.Matrix{Runs: []record.Run{doc}, Verdict: run.Unexpected})
	terminal.ShowDiff("", []string{"+ " + evil})
	terminal.Prompt(evil)
	terminal.Coloured(Red, evil)
	terminal.Paragraph(evil)
	live := newLive(terminal, []table.Step{step})
	live.Step(run.Event{Step: step.Name, Dockerfile: evil, Doing: run.Building})
	live.Step(run.Event{Step: step.Name, Outcome: &outcome})
	live.done()
	left := regexp.MustCompile("\x1b\\[(1|2|31|32|0)m|\x1b\\[1A\x1b\\[J").ReplaceAllString(out.String(), "")
	for _, r := range left {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Fatalf("%q is sent:\n%q", r, left)
		}
	}
	assert.Greater(t, strings.Count(left, "␛[2J"), 30, "they are shown")
}

// What is printed is pasted: a shell takes each word for what it is.
func TestAWordStaysOne(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("it takes a POSIX shell")
	}
	for _, word := range []string{"plain", "it's", "a b", `"`, "$HOME", "", "a;b", "*", `\`} {
		out, err := exec.Command("sh", "-c", "printf %s "+Word(word)).Output()
		require.NoError(t, err, word)
		assert.Equal(t, word, string(out))
	}
}

func TestADiffShowsTheWholeDockerfile(t *testing.T) {
	steps, err := table.Load("../../../steps")
	require.NoError(t, err)
	diff := func(i int, dockerfile string) []string {
		lines, err := Diff(steps, steps[i], dockerfile)
		require.NoError(t, err)
		return lines
	}
	assert.Equal(t, []string{
		"- FROM ${GO_IMAGE}",
		"+ FROM ${GO_IMAGE} AS build",
		"  RUN adduser --disabled-password echo",
		"  WORKDIR /home/echo/",
		"  USER echo",
		"  COPY . .",
		"  ENV CGO_ENABLED=0",
		"  RUN go build -o echo .",
		"",
		"  FROM scratch",
		"- COPY --from=0 /home/echo/echo /",
		"+ COPY --from=build /home/echo/echo /",
		`  ENTRYPOINT ["/echo"]`,
	}, diff(4, "Dockerfile"))
	assert.Len(t, Changes(diff(5, "Dockerfile")), 3, "only what is new")
	assert.Len(t, Changes(diff(4, "Dockerfile")), 4)
	assert.Equal(t, "+ FROM ${GO_IMAGE}", diff(0, "Dockerfile")[0], "the first step's lines are all new")
	assert.Contains(t, diff(5, "Dockerfile.first-try"), "+ USER 12345")
}

func TestARowSaysWhatIsMissingOnlyWhereSomethingIs(t *testing.T) {
	runs := run.Outcome{Outcome: table.Runs, Verdict: run.AsExpected, User: "1:1"}
	shell := run.Outcome{Outcome: table.Fails, Verdict: run.AsExpected, Phase: table.Start, Cause: "missing-shell", Missing: "/bin/sh"}
	format := run.Outcome{Outcome: table.Fails, Verdict: run.AsExpected, Phase: table.Exec, Cause: "exec-format", Missing: "/echo"}
	for want, outcomes := range map[string][]run.Outcome{
		"FAILS at start: no /bin/sh":          {shell},
		"FAILS at exec: exec-format":          {format},
		"RUNS as 1:1; first try: no /bin/sh":  {shell, runs},
		"RUNS as 1:1; first try: exec-format": {format, runs},
		"RUNS as 1:1":                         {runs, runs},
	} {
		assert.Equal(t, want, Row(outcomes))
	}
}

func TestALongNameStaysInItsColumn(t *testing.T) {
	for want, name := range map[string]string{
		"06-nonroot-scratch  ": "06-nonroot-scratch",
		"13-twenty-letters-… ": "13-twenty-letters-xy",
		"14-a-much-longer-n… ": "14-a-much-longer-name-than-that",
	} {
		assert.Equal(t, want, inColumn(name))
	}
}
