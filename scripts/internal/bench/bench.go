// Package bench measures, side by side, the six steps as this tool does them and
// as they are typed by hand: the article's two commands a step, one after the other.
package bench

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"

	"optimizing-dockerfile/scripts/internal/engine"
	"optimizing-dockerfile/scripts/internal/lesson"
)

// Table is the document that the figures are kept in.
type Table struct {
	Engine  *engine.Engine `json:"engine"`
	CPUs    int            `json:"cpus"`
	Base    string         `json:"base"` // in words
	Rows    []Row          `json:"rows"`
	Doctor  []DoctorRow    `json:"doctor"`
	OwnCPU  []float64      `json:"own_cpu"`  // seconds that the tool's own process used in a cold run
	OwnPart []float64      `json:"own_part"` // the same, as a share of what the cores could give meanwhile
}

// Row is one thing that was measured in both ways, a figure a round.
type Row struct {
	Builder string    `json:"builder"`
	What    string    `json:"what"` // Cold or Warm
	Hand    []float64 `json:"hand"`
	Tool    []float64 `json:"tool"`
	Bare    []float64 `json:"bare,omitempty"` // Course.Bare; of a warm row alone
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

// Ratio is the tool's share of the time by hand, of the medians.
func (r Row) Ratio() float64 { return Median(r.Tool) / Median(r.Hand) }

// Floor is the commands' own share of it, likewise.
func (r Row) Floor() float64 { return Median(r.Bare) / Median(r.Hand) }

// Best is the lowest ratio of a round.
func (r Row) Best() float64 {
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

// Course is a copy of the steps whose program no build has seen before.
type Course struct {
	Dir   string
	Steps []lesson.Step
}

// Fresh copies steps into dir; ignore keeps their .dockerignore, which the
// article has none of.
func Fresh(steps []lesson.Step, dir string, ignore bool) (Course, error) {
	c := Course{Dir: dir}
	change := "\n// " + rand.Text() + "\n"
	for _, step := range steps {
		to := filepath.Join(dir, step.Name)
		if err := os.CopyFS(to, os.DirFS(step.Dir)); err != nil {
			return c, err
		}
		if !ignore {
			if err := os.Remove(filepath.Join(to, ".dockerignore")); err != nil {
				return c, err
			}
		}
		main := filepath.Join(to, "main.go")
		text, err := os.ReadFile(main)
		if err != nil {
			return c, err
		}
		if err := os.WriteFile(main, append(text, change...), 0o644); err != nil {
			return c, err
		}
		step.Dir = to
		c.Steps = append(c.Steps, step)
	}
	table, err := os.ReadFile(filepath.Join(filepath.Dir(steps[0].Dir), lesson.Table))
	if err != nil {
		return c, err
	}
	return c, os.WriteFile(filepath.Join(dir, lesson.Table), table, 0o644)
}
