package record

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/lesson/run"
)

func TestTheWorstRunIsTheMatrixsVerdict(t *testing.T) {
	for want, verdicts := range map[string][]string{
		run.AsExpected:  {run.AsExpected, run.AsExpected},
		run.Unexpected:  {run.AsExpected, run.Unexpected, run.AsExpected},
		run.Environment: {run.Unexpected, run.Environment, run.AsExpected, run.Unexpected},
	} {
		var m Matrix
		for _, verdict := range verdicts {
			m.Add(Run{Verdict: verdict, Seconds: 1})
		}
		assert.Equal(t, want, m.Verdict, verdicts)
		assert.Len(t, m.Runs, len(verdicts))
	}
}
