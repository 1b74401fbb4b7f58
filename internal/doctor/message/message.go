// Package message tells which causes print a text: an engine's message, a pod's
// status, a container's log, also inside a longer text. It knows wordings, and no
// image: what it says is no proof.
package message

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

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

// wordings are what formats.yaml tells of.
type wordings struct {
	Elsewhere *regexp.Regexp
	Formats   []struct {
		Match, Unless *regexp.Regexp
		By            string
		Causes        []doctor.Cause
	}
	Rules []struct {
		By           []string
		Reason, Name *regexp.Regexp
		Causes       []doctor.Cause
	}
}

//go:embed formats.yaml
var formats string

var known = sync.OnceValue(func() (w wordings) {
	list, patterns, _ := strings.Cut(formats, "\n---\n")
	var words map[string][]string
	err := yaml.Unmarshal([]byte(list), &words)
	for word, any := range words {
		patterns = strings.ReplaceAll(patterns, word, "(?:"+strings.Join(any, "|")+")")
	}
	if err = cmp.Or(err, yaml.Unmarshal([]byte(patterns), &w)); err != nil {
		panic(err)
	}
	return w
})

// Read names the causes that print a text.
func Read(text string) *Answer {
	a := &Answer{Schema: 1, Kind: "message", Causes: []Likely{}, Note: note}
	text = plain(text)
	// a terminal breaks lines
	for _, t := range []string{text, strings.ReplaceAll(text, "\n", ""), strings.Join(strings.Fields(text), " ")} {
		if causes, name := likely(t); causes != nil {
			for _, c := range causes {
				a.Causes = append(a.Causes, Likely{c, c.Row().Title + ". " + c.Row().Meaning, apart(c, name), c.Page()})
			}
			break
		}
	}
	return a
}

// likely gives the causes of the first format that is found, and the program that the text names.
func likely(text string) (causes []doctor.Cause, name string) {
	fits := func(pattern *regexp.Regexp, text string) bool { return pattern == nil || pattern.MatchString(text) }
	for _, f := range known().Formats {
		m := f.Match.FindStringSubmatchIndex(text)
		if m == nil || f.Unless != nil && f.Unless.MatchString(text) {
			continue
		}
		group := func(name string) string { return string(f.Match.ExpandString(nil, "${"+name+"}", text, m)) }
		name, reason := strings.Trim(group("name"), "\"'` "), strings.ToLower(group("errno"))
		for _, r := range known().Rules {
			if f.Causes == nil && slices.Contains(r.By, f.By) && fits(r.Reason, reason) && fits(r.Name, name) {
				return r.Causes, name
			}
		}
		return f.Causes, name
	}
	return nil, ""
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
	return known().Elsewhere.ReplaceAllString(text, "")
}

var placeholders = regexp.MustCompile(`\bPATH\b`)

// apart is the way to tell a cause from others by hand, of the file that the text names.
func apart(c doctor.Cause, name string) string {
	if !strings.HasPrefix(name, "/") || strings.ContainsAny(name, " $\\`'\"") {
		return c.Row().Proof
	}
	return placeholders.ReplaceAllLiteralString(c.Row().Proof, name)
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
