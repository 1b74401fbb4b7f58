package run

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Verdicts.
const (
	AsExpected  = "as-expected" // outcome, phase, cause and every other expected fact agree
	Unexpected  = "unexpected"  // one of them differs
	Environment = "environment" // the engine, the network, the base or the disk is at fault
)

// Causes of failures that the image's files do not show; for those that they do, the doctor has names.
const (
	CommandNotFound doctor.Cause = "command-not-found" // a RUN's shell found no such command
	CompileError    doctor.Cause = "compile-error"     // the Go compiler refused the program
	ToolchainTooOld doctor.Cause = "toolchain-too-old" // go.mod asks for a newer Go than there is
	VCSStatus       doctor.Cause = "vcs-status"        // Go asked git for the commit, and git failed
	BuildFailed     doctor.Cause = "build-failed"      // any other instruction that failed
	LoopbackOnly    doctor.Cause = "loopback-only"     // it listens, but at its container's loopback address alone
	NoAnswer        doctor.Cause = "no-answer"         // it runs, but nothing answers on its port
	WrongAnswer     doctor.Cause = "wrong-answer"      // something answers, but not the echo
	Exited          doctor.Cause = "exited"            // it started, and ended by itself
)

// Outcome is what came of one try, in the shape of `run --json`.
type Outcome struct {
	Step       string            `json:"step"`
	Dockerfile string            `json:"dockerfile"`
	Expected   table.Expectation `json:"expected"`

	Outcome string       `json:"outcome"` // table.Runs or table.Fails; "" where the environment stopped it
	Phase   doctor.Phase `json:"phase"`   // how far it got
	Cause   doctor.Cause `json:"cause"`   // of a failure, proven; "" for what runs
	Verdict string       `json:"verdict"`
	Reasons []Reason     `json:"reasons"` // for a verdict other than AsExpected
	Message string       `json:"message"` // the engine's or the program's own words, raw

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

func (o *Outcome) fails(phase doctor.Phase, cause doctor.Cause, detail string) {
	o.Outcome, o.Phase, o.Cause, o.Detail = table.Fails, phase, cause, detail
}

// Why says what differs, or what is at fault; "" of what is as expected.
func (o Outcome) Why() string {
	var all []string
	for _, reason := range o.Reasons {
		all = append(all, reason.String())
	}
	return strings.Join(all, "; ")
}

// Reason is a fact that came out otherwise than expected; or, with no other field than What, a fault. In JSON it is its words.
type Reason struct{ What, Found, Wanted string }

func (r Reason) String() string {
	if r.Wanted == "" {
		return r.What
	}
	return r.What + " is " + r.Found + ", not " + r.Wanted
}

// MarshalText gives its words.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText takes words as a whole.
func (r *Reason) UnmarshalText(words []byte) error {
	*r = Reason{What: string(words)}
	return nil
}

// Image is what was built.
type Image struct {
	ID     string   `json:"id"`
	Bytes  int64    `json:"bytes"`  // of the regular files in all layers, hard links once
	Listed int64    `json:"listed"` // what the engine lists as its size: of some, packed layers too
	Layers []string `json:"layers"` // digests of the uncompressed layers
	Binary int64    `json:"binary"` // bytes of table.Binary; 0 where it is not there, or Files is nil
	User   string   `json:"user"`   // as its config names it
	Files  []File   `json:"files"`  // all that it holds but folders; nil for an image too large to list
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

// judge holds an outcome against its expectation. Where every fact agrees it
// returns no reasons. layers are those of the image of want.SameLayersAs.
func judge(o Outcome, arch string, layers []string) (verdict string, reasons []Reason) {
	verdict, reasons = AsExpected, []Reason{} // in JSON a list, also where it is empty
	hold := func(agrees bool, what, found, wanted string) {
		if !agrees {
			verdict, reasons = Unexpected, append(reasons, Reason{what, found, wanted})
		}
	}
	want, m, missing := o.Expected, o.Measured, o.Expected.Missing.On(arch)
	cause, wanted := named(o.Cause, o.Detail), named(want.Cause, missing)
	same, runs := o.Outcome == want.Outcome, o.Outcome == table.Runs
	hold(same, "the outcome", happened(o.Outcome, o.Phase, cause), happened(want.Outcome, want.Phase, wanted))
	if same && !runs {
		hold(o.Phase == want.Phase, "the phase", string(o.Phase), string(want.Phase))
		hold(o.Cause == want.Cause, "the cause", cause, wanted)
		hold(o.Cause != want.Cause || missing == "" || o.Missing == missing, "what is missing", o.Missing, missing)
	}
	if runs {
		hold(want.User == "" || o.User == want.User, "the user that it runs as", o.User, want.User)
		got, expected := splitLines(o.Log), splitLines(want.Log)
		i := 0
		for i < min(len(got), len(expected)) && got[i] == expected[i] {
			i++
		}
		hold(want.Log == "" || i == max(len(got), len(expected)), fmt.Sprintf("line %d of its log", i+1),
			strconv.Quote(append(got, "the end")[i]), strconv.Quote(append(expected, "the end")[i]))
	}
	if o.Image == nil {
		return verdict, reasons
	}
	hold(want.SameLayersAs == "" || slices.Equal(o.Image.Layers, layers), "its list of layers", "its own", "that of "+want.SameLayersAs)
	if want.Overhead != nil {
		hold(o.Image.Binary > 0, table.Binary, "missing from the image", "in it")
		hold(o.Image.Binary == 0 || o.Image.Rest() <= int64(*want.Overhead), "what the image holds beside "+table.Binary,
			screen.Size(o.Image.Rest()), "at most "+want.Overhead.String())
	}
	if !same {
		return verdict, reasons
	}
	hold(want.Keeps == "" || slices.Contains(m.Kept, want.Keeps), fmt.Sprintf("%q, after a changed line in main.go,", want.Keeps),
		"done again", "kept")
	saved := table.Size(m.BinaryBefore - o.Image.Binary)
	hold(want.Saves == 0 || saved >= want.Saves, "what the binary has lost", saved.String(), "at least "+want.Saves.String())
	if want.NumericUser != nil {
		hold(m.NumericUser != nil && *m.NumericUser == *want.NumericUser, "USER", strconv.Quote(o.Image.User),
			map[bool]string{true: "a number", false: "a name"}[*want.NumericUser])
	}
	hold(want.Health == "" || m.Health == want.Health, "its health", strconv.Quote(m.Health), want.Health)
	hold(want.Machines == nil || slices.Equal(m.Machines, want.Machines), "what it starts on", orNone(m.Machines), orNone(want.Machines))
	// The same image has the same layers; whether a builder can make it depends on the builder's age.
	hold(want.Repeats == "" || m.Repeats == want.Repeats || m.Repeats == table.Digest && want.Repeats == table.Layers,
		"what a second build has in common with the first", orNone(strings.Fields(m.Repeats)), want.Repeats)
	return verdict, reasons
}

func happened(outcome string, phase doctor.Phase, cause string) string {
	if outcome == table.Fails {
		return fmt.Sprintf("a failure in phase %s with %s", phase, cause)
	}
	return "the echo"
}

func named(cause doctor.Cause, detail string) string {
	if detail != "" {
		return string(cause) + " (" + detail + ")"
	}
	return string(cause)
}

func splitLines(text string) []string {
	return strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, " and ")
}
