// Package report makes the one page that shows the whole lesson: a file of HTML
// that asks for nothing else, to read on a phone, to print, or to teach from.
// Every figure on it is taken from the records and the steps' files.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/screen"
)

//go:embed report.html
var text string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"figure": figure, "number": number, "size": func(f Figure) string { return screen.Size(f.Value) }, "prose": prose,
	"kind": kind, "short": short, "cell": cell, "outcome": outcome,
}).Parse(text))

// Render makes the page from the folder of steps.
func Render(dir string) ([]byte, error) {
	steps, err := table.Load(dir)
	if err != nil {
		return nil, err
	}
	records, err := record.ReadAll(dir)
	if err != nil {
		return nil, err
	}
	v := view{Run: &records[0], Runs: record.OfBases(records)}
	for _, s := range steps {
		made, err := newStep(steps, s, v.Run.Of(s.Name))
		if err != nil {
			return nil, err
		}
		v.Steps = append(v.Steps, made)
	}
	var out bytes.Buffer
	err = page.Execute(&out, v)
	return out.Bytes(), err
}

// view is what the page shows.
type view struct {
	Run   *record.Run // on the article's base
	Runs  []record.Run
	Steps []step
}

type step struct {
	table.Step
	Tries       []try    // the main one first
	Transcripts []string // one for each try, in the order in which they ran
}

type try struct {
	run.Outcome
	Diff []string
	Of   string // names its facts: STEP/DOCKERFILE
}

// bar is a size in the chart.
type bar struct {
	Kind, Label string
	Figure      Figure
}

func newStep(steps []table.Step, s table.Step, outcomes []run.Outcome) (step, error) {
	made := step{Step: s}
	if len(outcomes) == 0 || outcomes[len(outcomes)-1].Image == nil {
		return made, fmt.Errorf("%s is not in the record, or without an image: dev record", s.Name)
	}
	transcript, err := os.ReadFile(filepath.Join(s.Dir, "output.txt"))
	if err != nil {
		return made, err
	}
	made.Transcripts = transcripts(strings.TrimRight(strings.ReplaceAll(string(transcript), "\r\n", "\n"), "\n"), outcomes)
	for _, o := range slices.Backward(outcomes) {
		diff, err := tell.Diff(steps, s, o.Dockerfile)
		if err != nil {
			return made, err
		}
		made.Tries = append(made.Tries, try{o, diff, s.Name + "/" + o.Dockerfile})
	}
	return made, nil
}

// First and Last are sizes: the article's first image, our last.
func (v view) First() Figure { return v.Steps[0].Bars()[0].Figure }
func (v view) Last() Figure  { return v.Steps[len(v.Steps)-1].Tries[0].Size() }

// Percent is how long a bar is.
func (v view) Percent(f Figure) string {
	var most int64
	for _, s := range v.Steps {
		for _, b := range s.Bars() {
			most = max(most, b.Figure.Value)
		}
	}
	return fmt.Sprintf("%.2f%%", 100*float64(f.Value)/float64(most))
}

// SameAs is the first step that shows a layer; "" where it is this one.
func (v view) SameAs(digest, own string) string {
	for _, s := range v.Steps {
		for _, t := range s.Tries {
			if t.Image != nil && slices.Contains(t.Image.Layers, digest) && s.Name != own {
				return s.Name
			}
		}
		if s.Name == own {
			break
		}
	}
	return ""
}

// Ran are the tries in the order in which they ran.
func (s step) Ran() []try {
	ran := slices.Clone(s.Tries)
	slices.Reverse(ran)
	return ran
}

// Bars are the sizes of its image.
func (s step) Bars() (bars []bar) {
	if s.ArticleSize > 0 {
		bars = append(bars, bar{"article", "in the article", Figure{s.Name + "/article_size", int64(s.ArticleSize)}})
	}
	return append(bars, bar{"here", "here", s.Tries[0].Size()})
}

// transcripts takes a recorded output apart: each try's begins with its first command.
func transcripts(text string, outcomes []run.Outcome) (parts []string) {
	for _, o := range outcomes[1:] {
		if len(o.Commands) == 0 {
			continue
		}
		if before, _, found := strings.Cut(text, "\n\n$ "+strings.Join(o.Commands[0], " ")+"\n"); found {
			parts, text = append(parts, before), text[len(before)+2:]
		}
	}
	return append(parts, text)
}

// kind is what a line of a diff is.
func kind(line string) string {
	switch line[:min(1, len(line))] {
	case "+":
		return "add"
	case "-":
		return "gone"
	}
	return "stay"
}

// cell says what a step did on a base.
func cell(doc *record.Run, name string) string {
	if outcomes := doc.Of(name); len(outcomes) > 0 {
		return screen.Line(tell.Row(outcomes))
	}
	return "not tried"
}

// outcome is how its main Dockerfile ended there.
func outcome(doc *record.Run, name string) string {
	if outcomes := doc.Of(name); len(outcomes) > 0 {
		return outcomes[len(outcomes)-1].Outcome
	}
	return ""
}

func short(digest string) string {
	_, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) < 12 {
		return digest
	}
	return hex[:12]
}

// Happened puts an outcome into half a sentence.
func (t try) Happened() string {
	if t.Outcome.Outcome == table.Runs {
		return "The echo comes back, from user " + t.User + "."
	}
	text := tell.Failure(t.Outcome)
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// Word is the outcome's, as the terminal shows it.
func (t try) Word() string {
	if t.Verdict != run.AsExpected {
		return strings.ToUpper(t.Verdict)
	}
	return strings.ToUpper(t.Outcome.Outcome)
}

// Size, Binary and Rest are the image's.
func (t try) Size() Figure   { return Figure{t.Of + "/image/bytes", t.Image.Bytes} }
func (t try) Binary() Figure { return Figure{t.Of + "/image/binary", t.Image.Binary} }
func (t try) Rest() Figure   { return Figure{t.Of + "/rest", t.Image.Rest()} }

// File names a file's size.
func (t try) File(f run.File) Figure { return Figure{t.Of + "/image/files" + f.Path, f.Bytes} }

// Figure is a number, and where it stands: what shows it can be held against that.
type Figure struct {
	Of    string
	Value int64
}

// figure shows a size as docker does.
func figure(f Figure) template.HTML { return f.as(screen.Size(f.Value)) }

func (f Figure) as(text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<data value="%d" data-of="%s">%s</data>`, f.Value, template.HTMLEscapeString(f.Of), text))
}

// number shows it to the last byte, in groups of three digits.
func number(f Figure) template.HTML {
	digits := fmt.Sprint(f.Value)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return f.as(digits)
}

// prose shows what stands between backticks as code.
func prose(text string) template.HTML {
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		out.WriteString(part)
	}
	return template.HTML(out.String())
}
