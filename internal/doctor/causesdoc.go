package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown tells of a cause, for its page in docs/causes, from the row that the doctor's
// own texts come from. looks is how it shows.
func (c Cause) Markdown(looks string) string {
	e := entryOf(c)
	var b strings.Builder
	fmt.Fprintf(&b, "**%s.** %s\n\nThe doctor says: %s.\n", e.title, e.meaning, fill(e.summary, e.example))
	fmt.Fprintf(&b, "\n## How it looks\n\n%s\n## Proof and fix\n\n%s\n\n%s\n\n", looks, e.proof, fill(e.fix, e.example))
	for _, line := range strings.Split(fill(e.dockerfile, e.example), "\n") {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}

// CausesMarkdown lists the causes, ordered by what people meet first.
func CausesMarkdown() string {
	var b strings.Builder
	b.WriteString("| cause | in short |\n|---|---|\n")
	for _, e := range slices.Concat(table, refusals) {
		fmt.Fprintf(&b, "| [`%s`](%s.md) | %s |\n", e.cause, e.cause, e.title)
	}
	b.WriteString("\nWhere two fit, the first of this list is named: ")
	for i, c := range Causes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s`", c)
	}
	return b.String() + ".\n"
}
