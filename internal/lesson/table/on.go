package table

import (
	"slices"

	"optimizing-dockerfile/internal/base"
)

// Trait is a difference between a base and the article's that changes what a step does. A step's `on` says how.
type Trait string

// The traits.
const (
	NoAdduser Trait = "no-adduser" // no program of that name: step 1's account cannot be made
	CgoOff    Trait = "cgo-off"    // Go 1.20 or later and no C compiler: Go turns cgo off by itself
	Glibc     Trait = "glibc"      // the C library is glibc, not musl, and so is the loader
)

// Traits are all of them. Where a base has several, the first that a step's
// `on` names decides: a build that fails links nothing, and without cgo it does
// not matter which C library there is.
var Traits = []Trait{NoAdduser, CgoOff, Glibc}

// TraitsOf gives what sets a base apart from the article's, so that the steps' ends on
// it can be foretold; or an error that says why not.
func TraitsOf(r *base.Ready) ([]Trait, error) {
	if err := r.Predictable(); err != nil {
		return nil, err
	}
	has := map[Trait]bool{NoAdduser: !r.Adduser, CgoOff: !r.Cgo(), Glibc: r.Libc == "glibc"}
	return slices.DeleteFunc(slices.Clone(Traits), func(t Trait) bool { return !has[t] }), nil
}

// Difference is what becomes of a step, and why; it holds for all of its tries.
type Difference struct {
	Why    string      `yaml:"why"`
	Expect Expectation `yaml:"expect"`
}

// On gives the steps as they are expected on a base with these traits.
func On(steps []Step, traits []Trait) []Step {
	there := slices.Clone(steps)
	for i := range there {
		step := &there[i]
		by := slices.IndexFunc(Traits, func(t Trait) bool { return slices.Contains(traits, t) && step.On[t].Why != "" })
		if by < 0 {
			continue
		}
		difference := step.On[Traits[by]]
		step.Why, step.Tries = difference.Why, slices.Clone(step.Tries)
		for j := range step.Tries {
			step.Tries[j].Expect = difference.Expect
		}
	}
	return there
}
