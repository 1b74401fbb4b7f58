package doctor

import (
	"fmt"
	"strings"
)

// CausesMarkdown tells of every cause, for docs/causes.md, from the table that the
// doctor's own texts come from, ordered by what people meet first.
func CausesMarkdown() string {
	var b strings.Builder
	b.WriteString("| cause | in short |\n|---|---|\n")
	for _, e := range table {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", e.cause, e.cause, e.title)
	}
	b.WriteString("\nWhere two fit, the first of this list is named: ")
	for i, c := range Causes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s`", c)
	}
	b.WriteString(".\n")
	for _, e := range table {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n", e.cause, e.title, e.meaning)
		fmt.Fprintf(&b, "The doctor says: %s.\n\n", fill(e.summary, e.example))
		b.WriteString("| where | how it looks |\n|---|---|\n")
		for _, l := range [][2]string{
			{"docker with runc", e.looks.runc}, {"crun", e.looks.crun}, {"podman", e.looks.podman}, {"Kubernetes", e.looks.kubernetes},
		} {
			fmt.Fprintf(&b, "| %s | %s |\n", l[0], strings.ReplaceAll(l[1], "|", "\\|"))
		}
		fmt.Fprintf(&b, "\n**Proof.** %s\n\n**Fix.** %s\n\n", e.proof, fill(e.fix, e.example))
		for _, line := range strings.Split(fill(e.dockerfile, e.example), "\n") {
			fmt.Fprintf(&b, "    %s\n", line)
		}
		if e.cause.Phase() == PhaseStart {
			b.WriteString("\nNo process is made: the container stays `created`, and has no log.\n")
		} else {
			b.WriteString("\nThe container starts and exits at once: the message is in its log.\n")
		}
	}
	return b.String()
}
