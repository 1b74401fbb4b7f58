package run

import (
	"fmt"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/lesson/table"
)

// judge holds an outcome against its expectation. Where every fact agrees it
// returns no reasons. layers are those of the image of want.SameLayersAs.
func judge(o Outcome, arch string, layers []string) (verdict string, reasons []string) {
	reasons = []string{} // in JSON a list, also where it is empty
	differs := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	want := o.Expected
	switch {
	case o.Outcome != want.Outcome:
		differs("%s, where %s was expected", happened(o.Outcome, o.Phase, o.Cause, o.Detail),
			happened(want.Outcome, want.Phase, want.Cause, want.Missing.On(arch)))
	case want.Outcome == table.Fails:
		if o.Phase != want.Phase {
			differs("fails in phase %s, not %s", o.Phase, want.Phase)
		}
		if o.Cause != want.Cause {
			differs("the cause is %s, not %s", named(o.Cause, o.Detail), named(want.Cause, want.Missing.On(arch)))
		} else if missing := want.Missing.On(arch); missing != "" && o.Missing != missing {
			differs("what is missing is %s, not %s", o.Missing, missing)
		}
	}
	if want.User != "" && o.Outcome == table.Runs && o.User != want.User {
		differs("runs as user %s, not %s", o.User, want.User)
	}
	if want.Overhead != nil && o.Image != nil {
		switch beside := o.Image.Bytes - o.Image.Binary; {
		case o.Image.Binary == 0:
			differs("the image holds no %s", table.Binary)
		case beside > int64(*want.Overhead):
			differs("the image holds %s beside %s; at most %s was expected", table.Size(beside), table.Binary, want.Overhead)
		}
	}
	if want.SameLayersAs != "" && o.Image != nil && !slices.Equal(o.Image.Layers, layers) {
		differs("its layers are not those of %s", want.SameLayersAs)
	}
	if want.Log != "" && o.Outcome == table.Runs {
		if line, got, expected, same := compareLines(o.Log, want.Log); !same {
			differs("line %d of its log is %q, not %q", line, got, expected)
		}
	}
	if o.Outcome == want.Outcome && o.Image != nil {
		judgeExtras(o, differs)
	}
	if len(reasons) > 0 {
		return Unexpected, reasons
	}
	return AsExpected, reasons
}

func happened(outcome, phase, cause, detail string) string {
	if outcome == table.Fails {
		return fmt.Sprintf("fails in phase %s with %s", phase, named(cause, detail))
	}
	return "runs"
}

func named(cause, detail string) string {
	if detail != "" {
		return cause + " (" + detail + ")"
	}
	return cause
}

// compareLines finds the first line, counted from 1, at which two texts differ.
func compareLines(got, want string) (line int, gotLine, wantLine string, same bool) {
	g, w := splitLines(got), splitLines(want)
	for i := range max(len(g), len(w)) {
		gotLine, wantLine = "", ""
		if i < len(g) {
			gotLine = g[i]
		}
		if i < len(w) {
			wantLine = w[i]
		}
		if gotLine != wantLine || i >= len(g) || i >= len(w) {
			return i + 1, gotLine, wantLine, false
		}
	}
	return 0, "", "", true
}

func splitLines(text string) []string {
	return strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

// judgeExtras holds what was measured against what was expected.
func judgeExtras(o Outcome, differs func(format string, args ...any)) {
	want, m := o.Expected, Measured{}
	if o.Measured != nil {
		m = *o.Measured
	}
	if want.Keeps != "" && !slices.Contains(m.Kept, want.Keeps) {
		differs("after a changed line in main.go, %q is done again", want.Keeps)
	}
	if want.Saves > 0 {
		if saved := table.Size(m.BinaryBefore - o.Image.Binary); saved < want.Saves {
			differs("the binary is %s smaller; at least %s was expected", saved, want.Saves)
		}
	}
	if want.NumericUser != nil && (m.NumericUser == nil || *m.NumericUser != *want.NumericUser) {
		differs("USER is %q; that it is a number was expected to be %v", o.Image.User, *want.NumericUser)
	}
	if want.Health != "" && m.Health != want.Health {
		differs("its health is %q, not %s", m.Health, want.Health)
	}
	if len(want.Machines) > 0 && !slices.Equal(m.Machines, want.Machines) {
		differs("it starts on %s; %s was expected", orNone(m.Machines), strings.Join(want.Machines, " and "))
	}
	// The same image has the same layers; whether a builder can make it depends on its age.
	if same := m.Repeats == want.Repeats || m.Repeats == table.Digest && want.Repeats == table.Layers; want.Repeats != "" && !same {
		differs("a second build has %s in common with the first; %s was expected", orNone(strings.Fields(m.Repeats)), want.Repeats)
	}
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, " and ")
}
