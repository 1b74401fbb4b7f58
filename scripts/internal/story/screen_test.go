package story

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/trial"
)

// screen tells a step's story from the records, as `run N` tells it from a run.
func screen(t *testing.T, number, width int) string {
	steps, err := lesson.Load("../../../steps")
	require.NoError(t, err)
	run, err := record.Read("../../../steps", "article")
	require.NoError(t, err)
	var out bytes.Buffer
	terminal := &Terminal{Writer: &out, Width: width}
	step := steps[number-1]
	require.NoError(t, terminal.Opening(steps, step))
	var outcomes []trial.Outcome
	var sizes []Bar
	for _, s := range steps[:number] {
		bar := Bar{Step: s.Name, Article: s.ArticleSize, Recorded: s.Name != step.Name}
		for _, o := range run.Steps {
			if o.Step == s.Name {
				bar.Bytes = o.Image.Bytes
			}
			if o.Step == step.Name && s.Name == step.Name {
				outcomes = append(outcomes, o)
			}
		}
		sizes = append(sizes, bar)
	}
	terminal.Closing(step, outcomes, *run.Base, sizes, "Next: make step-4, or go run ./scripts run 4: Static, without cgo")
	return out.String()
}

// A step's story fits one screen: 30 lines of 80 columns.
func TestAStoryFitsOneScreen(t *testing.T) {
	for number := 1; number <= 6; number++ {
		text := screen(t, number, 80)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		assert.LessOrEqual(t, len(lines), 30, "step %d:\n%s", number, text)
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
		for _, line := range strings.Split(screen(t, number, 50), "\n") {
			if utf8.RuneCountInString(line) > 50 {
				assert.Regexp(t, `optimizing-dockerfile|adduser`, line, "step %d", number)
			}
		}
	}
}

func TestTheStoryOfStepThree(t *testing.T) {
	text := screen(t, 3, 80)
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
		"/lib/ld-musl-x86_64.so.1", "392MB", "Base: a stand-in for", "Next: make step-4")
}

// What a program prints cannot move the cursor, whatever it is.
func TestAProgramsEscapesAreShownNotSent(t *testing.T) {
	var out bytes.Buffer
	terminal := &Terminal{Writer: &out, Width: 80}
	terminal.message(trial.Outcome{Outcome: lesson.Fails, Message: "\x1b]0;title\a\x1b[2Jgone\rback\u009b31m"})
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
