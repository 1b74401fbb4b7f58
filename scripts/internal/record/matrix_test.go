package record

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/scripts/internal/trial"
)

func TestTheWorstRunIsTheMatrixsVerdict(t *testing.T) {
	for want, verdicts := range map[string][]string{
		trial.AsExpected:  {trial.AsExpected, trial.AsExpected},
		trial.Unexpected:  {trial.AsExpected, trial.Unexpected, trial.AsExpected},
		trial.Environment: {trial.Unexpected, trial.Environment, trial.AsExpected, trial.Unexpected},
	} {
		var m Matrix
		for _, verdict := range verdicts {
			m.Add(Run{Verdict: verdict, Seconds: 1})
		}
		assert.Equal(t, want, m.Verdict, verdicts)
		assert.Len(t, m.Runs, len(verdicts))
	}
}
