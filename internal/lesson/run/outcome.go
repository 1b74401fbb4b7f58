// Package run does a step for real. Read it in this order: plan.go turns the table's steps
// into jobs, schedule.go does them, build.go makes the image, start.go has the doctor prove the
// cause and starts the container, observe.go sees what becomes of that, and asks for the echo,
// measure.go takes the figures of the lessons after the article, judge.go holds all of it
// against what was expected, and an outcome, here, is what comes out.
package run

import (
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/table"
)

// Verdicts.
const (
	AsExpected  = "as-expected" // outcome, phase, cause and every other expected fact agree
	Unexpected  = "unexpected"  // one of them differs
	Environment = "environment" // the engine, the network, the base or the disk is at fault
)

// Causes of failures that are not in the image; for those that are, the doctor has names.
const (
	CommandNotFound = "command-not-found" // a RUN's shell found no such command
	CompileError    = "compile-error"     // the Go compiler refused the program
	ToolchainTooOld = "toolchain-too-old" // go.mod asks for a newer Go than there is
	VCSStatus       = "vcs-status"        // Go asked git for the commit, and git failed
	BuildFailed     = "build-failed"      // any other instruction that failed
	LoopbackOnly    = "loopback-only"     // it listens, but at its container's loopback address alone
	NoAnswer        = "no-answer"         // it runs, but nothing answers on its port
	WrongAnswer     = "wrong-answer"      // something answers, but not the echo
	Exited          = "exited"            // it started, and ended by itself
)

// Outcome is what came of one try, in the shape of `run --json`.
type Outcome struct {
	Step       string            `json:"step"`
	Dockerfile string            `json:"dockerfile"`
	Expected   table.Expectation `json:"expected"`

	Outcome string   `json:"outcome"` // table.Runs or table.Fails; "" where the environment stopped it
	Phase   string   `json:"phase"`   // how far it got
	Cause   string   `json:"cause"`   // of a failure, proven; "" for what runs
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"` // for a verdict other than AsExpected
	Message string   `json:"message"` // the engine's or the program's own words, raw

	ExitCode *int       `json:"exit_code"` // of a container that ended by itself, or that the runtime refused
	User     string     `json:"user"`      // uid:gid that the program runs as
	Image    *Image     `json:"image"`     // nil where none was built
	Seconds  Seconds    `json:"seconds"`
	Commands [][]string `json:"commands"` // as a reader types them

	Before   string   `json:"before,omitempty"`  // of one kept in the record, as a later run had to leave it out: the engine that made it
	Measured Measured `json:"measured,omitzero"` // in the lessons after the article

	// The proof of the cause, and the facts around it.
	Missing string            `json:"missing"` // what was asked for and is not there
	Libc    string            `json:"libc"`
	Proof   []doctor.Evidence `json:"proof"`
	Detail  string            `json:"-"` // Missing, the instruction that failed, or what came instead of the echo
	Output  string            `json:"-"` // what the command of a failed build printed, without the builder's words
	Log     string            `json:"-"` // what the program printed before the first request
	Address string            `json:"-"` // where a kept container answers
}

func (o *Outcome) fails(phase, cause, detail string) {
	o.Outcome, o.Phase, o.Cause, o.Detail = table.Fails, phase, cause, detail
}

// Image is what was built.
type Image struct {
	ID     string   `json:"id"`
	Bytes  int64    `json:"bytes"`  // of the regular files in all layers, hard links once
	Listed int64    `json:"listed"` // what the engine lists as its size: of some, packed layers too
	Layers []string `json:"layers"` // digests of the uncompressed layers
	Binary int64    `json:"binary"` // bytes of table.Binary; 0 where it is not there, or Files is nil
	User   string   `json:"user"`   // as its config names it
	Files  []File   `json:"files"`  // all that it holds; nil for an image too large to list
}

// Rest is what it holds beside table.Binary, in bytes.
func (i Image) Rest() int64 { return i.Bytes - i.Binary }

// File is one that an image holds.
type File struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// Seconds that the phases took.
type Seconds struct {
	Build float64 `json:"build"`
	Start float64 `json:"start"`
}

// Main is the outcome of a step's own Dockerfile, the last of its tries that this builder could make; there is one.
func Main(outcomes []Outcome) Outcome { return outcomes[len(outcomes)-1] }

// Worst is the verdict of several: the environment's before an unexpected one.
func Worst(outcomes []Outcome) string {
	worst := AsExpected
	for _, o := range outcomes {
		worst = Worse(worst, o.Verdict)
	}
	return worst
}

// Worse is Worst of two.
func Worse(one, other string) string {
	if one == Environment || other == AsExpected {
		return one
	}
	return other
}
