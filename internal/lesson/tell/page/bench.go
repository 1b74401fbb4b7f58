package page

import (
	"fmt"
	"slices"

	"optimizing-dockerfile/internal/engine"
)

// BenchRecord is where the last figures of `make bench` are kept.
const BenchRecord = "docs/bench.json"

// Bench is the document that the figures of `make bench` are kept in.
type Bench struct {
	Engine *engine.Engine `json:"engine"`
	CPUs   int            `json:"cpus"`
	Base   string         `json:"base"` // in words
	Rows   []BenchRow     `json:"rows"`
	Doctor []DoctorRow    `json:"doctor"`
}

// BenchRow is one thing that was measured in both ways, a figure a round.
type BenchRow struct {
	Builder string    `json:"builder"`
	What    string    `json:"what"` // Cold or Warm
	Hand    []float64 `json:"hand"`
	Tool    []float64 `json:"tool"`
	Bare    []float64 `json:"bare,omitempty"` // the engine's commands alone, side by side; of a warm row
}

// DoctorRow holds the doctor's diagnoses of an image, in seconds, against another
// way to its files, a figure a round.
type DoctorRow struct {
	Image  string    `json:"image"`
	Doctor []float64 `json:"doctor"`
	Other  string    `json:"other"` // what is typed instead
	Typed  []float64 `json:"typed"`
}

// What a row is about.
const (
	Cold = "cold" // the program has changed: each compile is real
	Warm = "warm" // nothing has changed since the run before
)

// Best is the lowest ratio of a round.
func (r BenchRow) Best() float64 {
	best := r.Tool[0] / r.Hand[0]
	for i := range r.Tool {
		best = min(best, r.Tool[i]/r.Hand[i])
	}
	return best
}

// Median is the middle one of some figures; of an even number, the lower middle.
func Median(figures []float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[(len(sorted)-1)/2]
}

// ratio is the share of some figures in others, of the medians.
func ratio(of, to []float64) string { return fmt.Sprintf("%.2f", Median(of)/Median(to)) }

// seconds is the median of some figures, with so many digits.
func seconds(digits int, figures []float64) string {
	return fmt.Sprintf("%.*f s", digits, Median(figures))
}
