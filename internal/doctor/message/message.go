// Package message tells which causes print a text: an engine's message, a pod's
// status, a container's log, also inside a longer text. It knows wordings, and no
// image: what it says is no proof.
package message

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/screen"
)

// Answer is what a text tells. Its JSON is a contract: fields are added, never changed.
type Answer struct {
	Schema int      `json:"schema"`
	Kind   string   `json:"kind"`
	Causes []Likely `json:"causes"` // most likely first; empty where the text is about something else
	Note   string   `json:"note"`
}

const note = "A message says what failed, not why: this is no proof. `doctor IMAGE` proves it, on the image that the message is about."

// Likely is a cause that prints the text.
type Likely struct {
	Cause     doctor.Cause `json:"cause"`
	Why       string       `json:"why"`
	TellApart string       `json:"tell_apart"` // the question or command that tells it from the others
	Page      string       `json:"page"`
}

// Read names the causes that print a text. The first format that is found in it decides:
// the formats go from what is said of one cause alone to what several have in common.
func Read(text string) *Answer {
	a := &Answer{Schema: 1, Kind: "message", Causes: []Likely{}, Note: note}
	text = plain(text)
	// a terminal breaks lines
	for _, t := range []string{text, strings.ReplaceAll(text, "\n", ""), strings.Join(strings.Fields(text), " ")} {
		for _, f := range formats {
			m := f.match.FindStringSubmatch(t)
			if m == nil || f.unless != nil && f.unless.MatchString(t) {
				continue
			}
			said := map[string]string{}
			for i, group := range f.match.SubexpNames() {
				said[group] = m[i]
			}
			name := strings.Trim(said["name"], "\"'` ")
			causes, errno := f.causes, strings.ToLower(said["errno"])
			for _, r := range rules {
				if causes == nil && r.by&f.by != 0 && r.errno.MatchString(errno) && r.name.MatchString(name) {
					causes = r.causes
				}
			}
			for _, c := range causes {
				a.Causes = append(a.Causes, Likely{c, c.Title() + ". " + c.Meaning(), apart(c, name), c.Page()})
			}
			return a
		}
	}
	return a
}

var (
	colours = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	escapes = regexp.MustCompile("\\\\+([\"'`])")
	quotes  = strings.NewReplacer("‘", "'", "’", "'", "“", `"`, "”", `"`, "\r\n", "\n", "\r", `\r`,
		`\u0022`, `"`, `\u0027`, "'", "&quot;", `"`, "&#34;", `"`, "&#39;", "'")
)

// plain undoes what terminals, logs, pages and JSON make of a message, and leaves out what is about something else.
func plain(text string) string {
	text = escapes.ReplaceAllString(quotes.Replace(colours.ReplaceAllString(text, "")), "$1")
	return elsewhere.ReplaceAllString(text, "")
}

var placeholders = regexp.MustCompile(`\bPATH\b`)

// apart is the way to tell a cause from others by hand, of the file that the text names.
func apart(c doctor.Cause, name string) string {
	if !strings.HasPrefix(name, "/") || strings.ContainsAny(name, " $\\`'\"") {
		return c.Proof()
	}
	return placeholders.ReplaceAllLiteralString(c.Proof(), name)
}

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
