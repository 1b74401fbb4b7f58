package message

import (
	"fmt"
	"io"
	"strings"

	"optimizing-dockerfile/internal/screen"
)

// Screen prints the answer for people.
func (a *Answer) Screen(w io.Writer, width int) error {
	var b strings.Builder
	if len(a.Causes) == 0 {
		b.WriteString("UNKNOWN  this text names no failed start that the doctor knows\n")
	} else {
		b.WriteString("NO PROOF  what prints this, the likeliest first\n")
	}
	for i, l := range a.Causes {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, l.Cause)
		for _, text := range []string{l.Why, "To tell it apart: " + l.TellApart, "More: " + l.Page} {
			for _, line := range screen.Fold(text, width-3) {
				b.WriteString("   " + line + "\n")
			}
		}
	}
	b.WriteString("\n" + strings.Join(screen.Fold(a.Note, width), "\n") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}
