package tell

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

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
