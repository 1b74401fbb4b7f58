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

// Set is the diagnoses of a file's containers.
type Set struct {
	Schema     int      `json:"schema"`
	Kind       string   `json:"kind"`
	Containers []Member `json:"containers"`
	Starts     *bool    `json:"starts"` // all do; nil: of one that cannot be told
}

// Member is one container of a Set.
type Member struct {
	Name      string     `json:"name"`
	Owner     string     `json:"owner"` // Pod/web, service/web
	Init      bool       `json:"init"`
	Notes     []string   `json:"notes,omitempty"` // what of the file was not looked at
	Diagnosis *Diagnosis `json:"diagnosis"`
}

// NewSet judges all together.
func NewSet(all []Member) *Set {
	yes := true
	s := &Set{Schema: 1, Kind: "doctor-set", Containers: all, Starts: &yes}
	for _, m := range all {
		switch is := m.Diagnosis.Starts; {
		case is != nil && !*is:
			s.Starts = is
			return s
		case is == nil:
			s.Starts = nil
		}
	}
	return s
}

// ScreenSet prints the diagnoses of a file's containers: those that start in a line, the others whole.
func ScreenSet(w io.Writer, s *Set, colour bool, width int) error {
	count := 0
	for _, m := range s.Containers {
		p := &printer{colour: colour, width: width}
		init := ""
		if m.Init {
			init = "init "
		}
		title := m.Owner
		if title != "service/"+m.Name {
			title += ", " + init + "container " + m.Name
		}
		p.heading(screen.Harmless(title))
		if _, err := io.WriteString(w, p.out.String()); err != nil {
			return err
		}
		d := *m.Diagnosis
		if d.Advice = nil; d.Starts != nil && *d.Starts {
			count++
			d.Evidence = nil
		}
		if err := Screen(w, &d, colour, width); err != nil {
			return err
		}
		p.out.Reset()
		for _, note := range m.Notes {
			p.text("  ", "Note: "+note+".")
		}
		if _, err := io.WriteString(w, p.out.String()+"\n"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d of %d containers can start.\n", count, len(s.Containers))
	return err
}

// sentences tell of a container's end, beside what is proved of its start.
func (e *Ended) sentences(starts *bool) []string {
	all := []string{"status: " + e.Status}
	if e.Status != "running" && e.Status != "created" {
		all[0] += fmt.Sprintf(", with exit code %d", e.ExitCode)
	}
	if e.Error != "" {
		all = append(all, "error: "+e.Error)
	}
	if e.LastLine != "" {
		all = append(all, "the log's last line: "+e.LastLine)
	}
	switch {
	case e.OOMKilled:
		all = append(all, "The kernel ended it: it took more memory than it was given.")
	case starts != nil && *starts && e.Error == "" && e.Status == "exited":
		all = append(all, "So its program started, and ended by itself or was ended: that is the program's own affair.")
	}
	return all
}
