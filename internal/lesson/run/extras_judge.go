package run

import (
	"slices"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/lesson/table"
)

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

// canTellFromRoot is the rule of Kubernetes' runAsNonRoot: an image's USER must
// be a number, and not 0; of a name nobody knows whom it means.
func canTellFromRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	uid, err := strconv.Atoi(name)
	return err == nil && uid != 0
}
