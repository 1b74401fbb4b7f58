package check

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/lesson/tell"
)

// What a Dockerfile's program says cannot steer the learner's terminal.
func TestAReportIsHarmless(t *testing.T) {
	const evil = "\x1b[2J\x1b]0;t\a\r\b\u009b31m\u202e"
	no := false
	var out bytes.Buffer
	Tell(&tell.Terminal{Writer: &out, Width: 80}, &Report{
		Goals: []Goal{{ID: Starts, Met: &no, Proof: evil, Hint: evil}},
		Notes: []string{evil}, Said: evil, Reason: evil, Image: evil, Cause: evil,
	}, true)
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Fatalf("%q is sent:\n%q", r, out.String())
		}
	}
	assert.Contains(t, out.String(), "␛[2J")
}

// What a learner is to find is not told before it is asked for: the engine's words and a hint come first.
func TestTheProofWaitsForItsQuestion(t *testing.T) {
	no := false
	report := &Report{Said: "exec /echo: no such file or " +
		"directory", Goals: []Goal{{ID: Starts, Met: &no, Proof: "its loader is not there", Hint: "look inside"}}}
	for why, wanted := range map[bool]bool{false: false, true: true} {
		var out bytes.Buffer
		Tell(&tell.Terminal{Writer: &out, Width: 80}, report, why)
		assert.Contains(t, out.String(), "The engine says: exec /echo: no such file or directory")
		assert.Contains(t, out.String(), "Hint: look inside")
		assert.Equal(t, wanted, bytes.Contains(out.Bytes(), []byte("its loader is not there")))
	}
}

const shown = `FROM golang AS build
RUN go build \
  -o /app .
FROM scratch
COPY passwd /etc/passwd
COPY --from=build /app /
USER echo
CMD ["/app"]
`

// reported is a report with one goal of each end.
func reported() *Report {
	r := newReport()
	r.not(Builds, "`RUN go build   -o /app .` failed: no", "")
	r.not(Starts, "100% no\nproof: a, b", "")
	r.is(Answers, "it does")
	r.not(NotRoot, "root", "")
	r.not(Small, "large", "")
	r.open(NothingExtra, "not judged")
	r.not(AccountsReadOnly, "writable", "")
	r.place("a b/Docker,file", dockerfile.Parse(shown))
	return r
}

// Each goal that is not met points at the line of the last stage that it is about.
func TestGoalsHaveTheirLines(t *testing.T) {
	lines := map[string]int{}
	for _, goal := range reported().Goals {
		lines[goal.ID] = goal.Line
	}
	assert.Equal(t, map[string]int{Builds: 2, Starts: 8, Answers: 0, NotRoot: 7, Small: 4, NothingExtra: 4, AccountsReadOnly: 5}, lines)
	r := newReport()
	r.not(Builds, "no", "")
	r.place("Dockerfile", dockerfile.Parse(""))
	assert.Equal(t, 1, r.Goals[0].Line, "an empty file has a first line")
}

// GitHub takes a command from one line, and three characters of it for its own.
func TestGitHubsCommands(t *testing.T) {
	out := GitHub(reported())
	assert.Contains(t, out, "::error file=a b/Docker%2Cfile,line=8,title=starts is not met::100%25 no%0Aproof: a, b%0A")
	assert.Contains(t, out, "::warning title=nothing-extra cannot be told::not judged\n")
	assert.NotContains(t, out, Answers)
}

// A SARIF log has what its specification demands (2.1.0, sections 3.13 to 3.30), and nothing dangles in it.
func TestSARIF(t *testing.T) {
	text, err := json.Marshal(SARIF(reported()))
	require.NoError(t, err)
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Invocations []struct{ ExecutionSuccessful *bool }
			Results     []struct {
				RuleID, Kind, Level string
				RuleIndex           int
				Message             struct{ Text string }
				Locations           []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &log))
	assert.Equal(t, "2.1.0", log.Version)
	require.Len(t, log.Runs, 1)
	run := log.Runs[0]
	assert.NotEmpty(t, run.Tool.Driver.Name)
	require.NotNil(t, run.Invocations[0].ExecutionSuccessful)
	assert.Len(t, run.Results, 6, "of the seven goals one is met")
	for _, result := range run.Results {
		assert.Equal(t, result.RuleID, run.Tool.Driver.Rules[result.RuleIndex].ID)
		assert.NotEmpty(t, result.Message.Text)
		if result.Kind == "open" { // 3.27.10: only a result that fails has a level
			assert.Equal(t, "none", result.Level)
		} else {
			assert.Equal(t, "error", result.Level)
		}
		require.Len(t, result.Locations, 1)
		assert.Equal(t, "a%20b/Docker,file", result.Locations[0].PhysicalLocation.ArtifactLocation.URI)
		assert.Positive(t, result.Locations[0].PhysicalLocation.Region.StartLine)
	}
}
