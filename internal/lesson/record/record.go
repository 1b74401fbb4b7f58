// Package record is what a run saw, as JSON and as the text that a reader compares with the own screen.
package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/run"
)

// Run is the document of a run: what --json prints; as a record, it is kept.
type Run struct {
	Schema  int            `json:"schema"`
	Kind    string         `json:"kind"` // run
	Engine  *engine.Engine `json:"engine"`
	Base    *base.Ready    `json:"base"`
	Steps   []run.Outcome  `json:"steps"`
	Verdict string         `json:"verdict"`
	Reason  string         `json:"reason,omitempty"` // why nothing could be tried
	Seconds float64        `json:"seconds"`
}

// Of gives the outcomes of a step, one for each of its Dockerfiles; none where there is no record.
func (r *Run) Of(step string) []run.Outcome {
	if r == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Steps), func(o run.Outcome) bool { return o.Step != step })
}

// MadeBy says with what its images were built and started.
func (r Run) MadeBy() string {
	return fmt.Sprintf("%s and its %s builder", r.Engine.Said(), r.Engine.Builder)
}

// steering are characters that JSON lets stand in a text as they are, and that a
// terminal obeys: C1 controls, and what turns the direction of writing.
var steering = regexp.MustCompile(`[\x{7f}-\x{9f}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// Marshal gives a document as people and diff read it: indented, with < and > as they are.
func Marshal(document any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		panic(err) // only a type that JSON cannot hold
	}
	return steering.ReplaceAllFunc(out.Bytes(), func(character []byte) []byte {
		r, _ := utf8.DecodeRune(character)
		return fmt.Appendf(nil, `\u%04x`, r)
	})
}

// ReadAll gives all records of a folder of steps, the article's before those of other bases; of a base first the one that
// the texts show, then those of other engines.
func ReadAll(steps string) (all []Run, err error) {
	files, err := filepath.Glob(filepath.Join(steps, "records", "*.json"))
	if err != nil {
		return nil, err
	}
	key := strings.NewReplacer("article", "", ".json", "")
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(key.Replace(a), key.Replace(b)) })
	for _, file := range files {
		doc, err := ReadDocument[Run](file)
		if err != nil {
			return nil, err
		}
		all = append(all, *doc)
	}
	if len(all) == 0 || all[0].Base.Name != "article" {
		return nil, fmt.Errorf("%s holds no record of the article's base yet: run all --json | dev record makes one", steps)
	}
	return all, nil
}

// OfBases gives of the records of a folder the first one of each base.
func OfBases(all []Run) []Run {
	return slices.CompactFunc(slices.Clone(all), func(a, b Run) bool { return a.Base.Name == b.Base.Name })
}

// Read gives the record of a base; nil where there is none yet.
func Read(steps, base string) (*Run, error) {
	return ReadDocument[Run](filepath.Join(steps, "records", base+".json"))
}

// ReadDocument reads a document that was kept as JSON; nil where there is none.
func ReadDocument[T any](path string) (*T, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var doc T
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &doc, nil
}

// Matrix is the document of `run --base all --json`.
type Matrix struct {
	Schema  int     `json:"schema"`
	Kind    string  `json:"kind"` // matrix
	Runs    []Run   `json:"runs"` // one for each base
	Verdict string  `json:"verdict"`
	Seconds float64 `json:"seconds"`
}

// Add takes a base's run in. The verdict is the worst: the environment's before
// an unexpected one.
func (m *Matrix) Add(doc Run) {
	m.Schema, m.Kind = 1, "matrix"
	m.Runs = append(m.Runs, doc)
	m.Seconds += doc.Seconds
	m.Verdict = run.Worse(cmp.Or(m.Verdict, run.AsExpected), doc.Verdict)
}

// Transcripts gives of each of a step's Dockerfiles the commands, then what the engine said; last, what it was said on.
func (r *Run) Transcripts(step string) (all []string) {
	for _, o := range r.Of(step) {
		text := ""
		for _, command := range o.Commands {
			text += "$ " + freePort.ReplaceAllString(strings.Join(command, " "), "127.0.0.1:8080:8080") + "\n"
		}
		text += Normalise(o.Message)
		if o.Before != "" {
			text += "\n# Seen before, with " + o.Before + "."
		}
		all = append(all, text)
	}
	if len(all) > 0 {
		all[len(all)-1] += fmt.Sprintf("\n\n# On %s, with %s.", r.Base.Said(), r.MadeBy())
	}
	return all
}

// freePort is the published port of a step that found 8080 taken.
var freePort = regexp.MustCompile(`127\.0\.0\.1:\d*:8080\b`)

// noise is what differs from run to run, and says nothing.
var noise = []struct {
	form    *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\r\n`), "\n"},
	{regexp.MustCompile(`(?m)^\[GIN\] .*\n?`), ""}, // the probe's requests: a time, a duration, an address
	{regexp.MustCompile(`(?m)^\n?(Run|See) '(docker|podman) run --help'.*\n?`), ""},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "CONTAINER"},
	{regexp.MustCompile(`\b((?:container|standard_init)_linux\.go):\d+`), "$1:LINE"},
}

// Normalise takes out of an engine's words what differs between two runs that
// say the same.
func Normalise(message string) string {
	for _, n := range noise {
		message = n.form.ReplaceAllString(message, n.instead)
	}
	return strings.TrimRight(message, "\n ")
}
