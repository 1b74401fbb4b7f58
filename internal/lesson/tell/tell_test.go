package tell

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

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
		"FAILS  at start: no /bin/sh":           {shell},
		"FAILS  at exec: exec-format":           {format},
		"RUNS   as 1:1; first try: no /bin/sh":  {shell, runs},
		"RUNS   as 1:1; first try: exec-format": {format, runs},
		"RUNS   as 1:1":                         {runs, runs},
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
