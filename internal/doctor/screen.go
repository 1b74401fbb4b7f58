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
	p.diagnosis(d)
	_, err := io.WriteString(w, p.String())
	return err
}

// ScreenSet prints the diagnoses of a file's containers: those that start in a line, the others whole.
func ScreenSet(w io.Writer, s *Set, colour bool, width int) error {
	p, count := &printer{colour: colour, width: width}, 0
	for _, m := range s.Containers {
		title := m.Owner
		if title != "service/"+m.Name {
			title += map[bool]string{true: ", init container ", false: ", container "}[m.Init] + m.Name
		}
		p.bold("1", screen.Harmless(title), "\n")
		d := *m.Diagnosis
		if d.Advice = nil; d.starts() {
			count++
			d.Evidence = nil
		}
		p.diagnosis(&d)
		for _, note := range m.Notes {
			p.text("  ", "Note: "+note+".")
		}
		p.WriteString("\n")
	}
	fmt.Fprintf(p, "%d of %d containers can start.\n", count, len(s.Containers))
	_, err := io.WriteString(w, p.String())
	return err
}

type printer struct {
	strings.Builder
	colour bool
	width  int
}

func (p *printer) diagnosis(d *Diagnosis) {
	image := "  " + screen.Line(screen.Harmless(d.Image)) + "\n" // a name may hold a line's end
	switch {
	case d.starts():
		p.bold("1;32", "STARTS", image)
	case d.Starts != nil:
		p.bold("1;31", "CANNOT START", image)
	default:
		p.bold("1;33", "UNKNOWN", image)
	}
	p.text("  ", d.Line()+".")
	if len(d.Evidence) > 0 {
		p.section("Evidence")
		for _, e := range d.Evidence {
			p.text("  ", e.Claim+":")
			p.text("      ", e.Path+" → "+e.Found)
		}
	}
	if d.Ended != nil {
		p.section("What the engine recorded", d.Ended.sentences(d.starts())...)
	}
	if d.Fix.Text != "" {
		p.section("Fix", d.Fix.Text)
		p.WriteString("      " + screen.Harmless(strings.ReplaceAll(d.Fix.Dockerfile, "\n", "\n      ")) + "\n")
	}
	if d.Page != "" {
		p.text("\n", "More: "+d.Page)
	}
	var also, summaries []string
	for _, a := range d.Advice {
		also, summaries = append(also, a.ID+": "+a.Summary+". "+a.Fix), append(summaries, a.Summary)
	}
	switch {
	case len(also) == 0:
	case d.starts():
		p.section("Also", also...)
	default: // first things first
		p.text("\n", "Also: "+strings.Join(summaries, ". ")+".")
	}
	if r := d.Read; r != nil {
		p.text("\n", fmt.Sprintf("Read from the registry: %s, with %d of %d layers (of %s).",
			screen.Size(r.Bytes), r.Layers, r.OfLayers, screen.Size(r.Of)))
	}
}

func (p *printer) section(title string, texts ...string) {
	p.WriteString("\n")
	p.bold("1", title, "\n")
	for _, text := range texts {
		p.text("  ", text)
	}
}

// bold writes a word in bold, and in a colour; and what follows it as it is.
func (p *printer) bold(code, word, rest string) {
	if p.colour {
		word = "\x1b[" + code + "m" + word + "\x1b[0m"
	}
	p.WriteString(word + rest)
}

// text breaks a text into lines behind an indent, or a line's end. What is not evidence hangs: its further lines stand deeper.
func (p *printer) text(indent, s string) {
	deeper := map[string]string{"  ": "    ", "      ": "      "}[indent]
	for _, line := range screen.Fold(screen.Short(s, maxShown), p.width-len(deeper)) {
		p.WriteString(indent + line + "\n")
		indent = deeper
	}
}

// maxShown bounds one text on a screen, in bytes.
const maxShown = 2000

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
		if is := m.Diagnosis.Starts; is == nil || !*is {
			s.Starts = is
		}
		if s.Starts != nil && !*s.Starts {
			return s
		}
	}
	return s
}

// sentences tell of a container's end, beside what is proved of its start.
func (e *Ended) sentences(starts bool) []string {
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
	case starts && e.Error == "" && e.Status == "exited":
		all = append(all, "So its program started, and ended by itself or was ended: that is the program's own affair.")
	}
	return all
}
