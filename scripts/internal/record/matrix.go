package record

import "optimizing-dockerfile/scripts/internal/trial"

// Matrix is the document of `run --base all --json`.
type Matrix struct {
	Schema  int     `json:"schema"`
	Kind    string  `json:"kind"` // matrix
	Runs    []Run   `json:"runs"` // one for each base
	Verdict string  `json:"verdict"`
	Seconds float64 `json:"seconds"`
}

// Add takes a base's run in. The verdict is the worst: the environment's before
// an unexpected one.
func (m *Matrix) Add(run Run) {
	m.Schema, m.Kind = 1, "matrix"
	m.Runs = append(m.Runs, run)
	m.Seconds += run.Seconds
	switch {
	case m.Verdict == "", run.Verdict == trial.Environment, m.Verdict == trial.AsExpected:
		m.Verdict = run.Verdict
	}
}
