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
	if e := d.Ended; e != nil {
		p.line("")
		p.heading("What the engine recorded")
		for _, said := range e.sentences(d.Starts) {
			p.text("  ", said)
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
	if d.Page != "" {
		p.line("")
		p.text("", "More: "+d.Page)
	}
	if d.Starts == nil || !*d.Starts { // first things first
		if len(d.Advice) > 0 {
			p.line("")
			var all []string
			for _, a := range d.Advice {
				all = append(all, a.Summary)
			}
			p.text("", "Also: "+strings.Join(all, ". ")+".")
		}
	} else if len(d.Advice) > 0 {
		p.line("")
		p.heading("Also")
		for _, a := range d.Advice {
			p.text("  ", a.ID+": "+a.Summary+". "+a.Fix)
		}
	}
	if r := d.Read; r != nil {
		p.line("")
		p.text("", fmt.Sprintf("Read from the registry: %s, with %d of %d layers (of %s).",
			screen.Size(r.Bytes), r.Layers, r.OfLayers, screen.Size(r.Of)))
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

// Bounds of what is told: of one text on a screen, of one at all, of one list, and of
// all together. An image may bring megabytes, and JSON writes six bytes for one.
const (
	maxShown = 2000
	maxText  = 16 << 10
	maxItems = 1000
	maxTold  = 96 << 10
)

// shorten puts an end to every text of a diagnosis; what is cut says so.
func (d *Diagnosis) shorten() *Diagnosis {
	left := maxTold
	cut := func(texts ...*string) {
		for _, text := range texts {
			if most := min(maxText, left); len(*text) > most {
				*text = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8((*text)[:most], "·"), len(*text))
			}
			left -= min(left, len(*text))
		}
	}
	cut(&d.Summary, &d.Fix.Text, &d.Fix.Dockerfile, &d.User.Configured)
	d.Evidence, d.Argv = d.Evidence[:min(len(d.Evidence), maxItems)], d.Argv[:min(len(d.Argv), maxItems)]
	for i := range d.Evidence {
		cut(&d.Evidence[i].Claim, &d.Evidence[i].Path, &d.Evidence[i].Found)
	}
	for i := range d.Advice {
		cut(&d.Advice[i].ID, &d.Advice[i].Summary, &d.Advice[i].Fix)
	}
	for i := range d.Argv {
		cut(&d.Argv[i])
	}
	return d
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
	for _, line := range screen.Fold(screen.Short(s, maxShown), p.width-len(deeper)) {
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
