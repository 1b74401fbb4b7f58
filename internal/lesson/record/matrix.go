package record

import "optimizing-dockerfile/internal/lesson/run"

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
func (m *Matrix) Add(doc Run) {
	m.Schema, m.Kind = 1, "matrix"
	m.Runs = append(m.Runs, doc)
	m.Seconds += doc.Seconds
	switch {
	case m.Verdict == "", doc.Verdict == run.Environment, m.Verdict == run.AsExpected:
		m.Verdict = doc.Verdict
	}
}
