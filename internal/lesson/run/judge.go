package run

import (
	"fmt"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// judge holds an outcome against its expectation. Where every fact agrees it
// returns no reasons. layers are those of the image of want.SameLayersAs.
func judge(o Outcome, arch string, layers []string) (verdict string, reasons []string) {
	verdict, reasons = AsExpected, []string{} // in JSON a list, also where it is empty
	hold := func(agrees bool, format string, args ...any) {
		if !agrees {
			verdict, reasons = Unexpected, append(reasons, fmt.Sprintf(format, args...))
		}
	}
	want, m, missing := o.Expected, o.Measured, o.Expected.Missing.On(arch)
	cause, wanted := named(o.Cause, o.Detail), named(want.Cause, missing)
	same, runs := o.Outcome == want.Outcome, o.Outcome == table.Runs
	hold(same, "%s, where %s was expected", happened(o.Outcome, o.Phase, cause), happened(want.Outcome, want.Phase, wanted))
	if same && !runs {
		hold(o.Phase == want.Phase, "fails in phase %s, not %s", o.Phase, want.Phase)
		hold(o.Cause == want.Cause, "the cause is %s, not %s", cause, wanted)
		hold(o.Cause != want.Cause || missing == "" || o.Missing == missing, "what is missing is %s, not %s", o.Missing, missing)
	}
	if runs {
		hold(want.User == "" || o.User == want.User, "runs as user %s, not %s", o.User, want.User)
		got, expected := splitLines(o.Log), splitLines(want.Log)
		i := 0
		for i < min(len(got), len(expected)) && got[i] == expected[i] {
			i++
		}
		hold(want.Log == "" || i == max(len(got), len(expected)),
			"line %d of its log is %q, not %q", i+1, append(got, "")[i], append(expected, "")[i])
	}
	if o.Image == nil {
		return verdict, reasons
	}
	hold(want.SameLayersAs == "" || slices.Equal(o.Image.Layers, layers), "its layers are not those of %s", want.SameLayersAs)
	if want.Overhead != nil {
		hold(o.Image.Binary > 0, "the image holds no %s", table.Binary)
		hold(o.Image.Binary == 0 || o.Image.Rest() <= int64(*want.Overhead), "the image holds %s beside %s; at most %s was expected",
			screen.Size(o.Image.Rest()), table.Binary, want.Overhead)
	}
	if !same {
		return verdict, reasons
	}
	hold(want.Keeps == "" || slices.Contains(m.Kept, want.Keeps), "after a changed line in main.go, %q is done again", want.Keeps)
	saved := table.Size(m.BinaryBefore - o.Image.Binary)
	hold(want.Saves == 0 || saved >= want.Saves, "the binary is %s smaller; at least %s was expected", saved, want.Saves)
	if want.NumericUser != nil {
		hold(m.NumericUser != nil && *m.NumericUser == *want.NumericUser,
			"USER is %q; that it is a number was expected to be %v", o.Image.User, *want.NumericUser)
	}
	hold(want.Health == "" || m.Health == want.Health, "its health is %q, not %s", m.Health, want.Health)
	hold(want.Machines == nil || slices.Equal(m.Machines, want.Machines),
		"it starts on %s; %s was expected", orNone(m.Machines), strings.Join(want.Machines, " and "))
	// The same image has the same layers; whether a builder can make it depends on its age.
	hold(want.Repeats == "" || m.Repeats == want.Repeats || m.Repeats == table.Digest && want.Repeats == table.Layers,
		"a second build has %s in common with the first; %s was expected", orNone(strings.Fields(m.Repeats)), want.Repeats)
	return verdict, reasons
}

func happened(outcome, phase, cause string) string {
	if outcome == table.Fails {
		return fmt.Sprintf("fails in phase %s with %s", phase, cause)
	}
	return "runs"
}

func named(cause, detail string) string {
	if detail != "" {
		return cause + " (" + detail + ")"
	}
	return cause
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
