package doctor

import (
	"fmt"
	"io"
	"strings"

	"optimizing-dockerfile/internal/screen"
)

// Screen prints the diagnosis for people: the verdict first, then the evidence,
// the fix, and what could be better. At most one screen of 24 lines where the
// texts allow that. width is the screen's, in columns.
func Screen(w io.Writer, d *Diagnosis, colour bool, width int) error {
	p := &printer{colour: colour, width: width}
	switch {
	case d.Starts == nil:
		p.verdict("33", "UNKNOWN", d.Image)
	case *d.Starts:
		p.verdict("32", "STARTS", d.Image)
	default:
		p.verdict("31", "CANNOT START", d.Image)
	}
	cause := ""
	if d.Cause != "" {
		cause = string(d.Cause) + ": "
	}
	p.text("  ", cause+d.Summary+".")
	if len(d.Evidence) > 0 {
		p.line("")
		p.heading("Evidence")
		for _, e := range d.Evidence {
			p.text("  ", e.Claim+":")
			p.text("      ", e.Path+" → "+e.Found)
		}
	}
	if d.Fix.Text != "" {
		p.line("")
		p.heading("Fix")
		p.text("  ", d.Fix.Text)
		for _, l := range strings.Split(d.Fix.Dockerfile, "\n") {
			p.line("      " + l)
		}
	}
	if d.Starts == nil || !*d.Starts { // first things first
		if len(d.Advice) > 0 {
			p.line("")
			var ids []string
			for _, a := range d.Advice {
				ids = append(ids, a.ID)
			}
			p.text("", "Also: "+strings.Join(ids, ", ")+" (--json explains)")
		}
	} else if len(d.Advice) > 0 {
		p.line("")
		p.heading("Also")
		for _, a := range d.Advice {
			p.text("  ", a.ID+": "+a.Summary+". "+a.Fix)
		}
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type printer struct {
	out    strings.Builder
	colour bool
	width  int
}

func (p *printer) verdict(code, word, image string) {
	if p.colour {
		word = "\x1b[1;" + code + "m" + word + "\x1b[0m"
	}
	p.out.WriteString(word + "  " + screen.Line(screen.Harmless(image)) + "\n") // a name may hold a line's end
}

func (p *printer) heading(s string) {
	if p.colour {
		s = "\x1b[1m" + s + "\x1b[0m"
	}
	p.out.WriteString(s + "\n")
}

func (p *printer) line(s string) { p.out.WriteString(screen.Harmless(s) + "\n") }

// text breaks a text into lines. What is not evidence hangs: its further lines stand deeper.
func (p *printer) text(indent, s string) {
	deeper := indent
	if indent == "  " {
		deeper = "    "
	}
	for _, line := range screen.Fold(s, p.width-len(deeper)) {
		p.out.WriteString(indent + line + "\n")
		indent = deeper
	}
}

// Line is the diagnosis in one line.
func (d *Diagnosis) Line() string {
	if d.Cause != "" {
		return fmt.Sprintf("%s: %s", d.Cause, d.Summary)
	}
	return d.Summary
}
