package doctor

import (
	"fmt"
	"io"

	"optimizing-dockerfile/internal/screen"
)

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
