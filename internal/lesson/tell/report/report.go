// Package report makes the one page that shows the whole lesson: a file of HTML
// that asks for nothing else, to read on a phone, to print, or to teach from.
// Every figure on it is taken from the records and the steps' files.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"regexp"
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
	"row": tell.Row, "main": run.Main, "happened": happened,
}).Parse(text))

// happened is a sentence.
func happened(o run.Outcome) string {
	text := tell.Happened(o)
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

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
		made, err := newStep(steps, s, v.Run)
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
	Tries       []try    // in the order in which they ran
	Transcripts []string // one for each
}

type try struct {
	run.Outcome
	Diff []string
}

func newStep(steps []table.Step, s table.Step, doc *record.Run) (step, error) {
	made, outcomes := step{Step: s, Transcripts: doc.Transcripts(s.Name)}, doc.Of(s.Name)
	if len(outcomes) == 0 || run.Main(outcomes).Image == nil {
		return made, fmt.Errorf("%s is not in the record, or without an image: dev record", s.Name)
	}
	for _, o := range outcomes {
		diff, err := tell.Diff(steps, s, o.Dockerfile)
		if err != nil {
			return made, err
		}
		made.Tries = append(made.Tries, try{o, diff})
	}
	return made, nil
}

// Main is what became of the step's own Dockerfile.
func (s step) Main() try { return s.Tries[len(s.Tries)-1] }

// First and Last are sizes: the article's first image, our last.
func (v view) First() Figure { return v.Steps[0].Bars()[0].Figure }
func (v view) Last() Figure  { return v.Steps[len(v.Steps)-1].Main().Size() }

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
	shows := func(t try) bool { return t.Image != nil && slices.Contains(t.Image.Layers, digest) }
	for _, s := range v.Steps {
		switch {
		case s.Name == own:
			return ""
		case slices.ContainsFunc(s.Tries, shows):
			return s.Name
		}
	}
	return ""
}

// bar is a size in the chart.
type bar struct {
	Kind, Label string
	Figure      Figure
}

// Bars are the sizes of its image.
func (s step) Bars() (bars []bar) {
	if s.ArticleSize > 0 {
		bars = append(bars, bar{"article", "in the article", Figure{s.Name + "/article_size", int64(s.ArticleSize)}})
	}
	return append(bars, bar{"here", "here", s.Main().Size()})
}

// Figure is a number, and where it stands: what shows it can be held against that.
type Figure struct {
	Of    string
	Value int64
}

// Size, Binary and Rest are the image's, File is of one in it.
func (t try) Size() Figure           { return t.figure("/image/bytes", t.Image.Bytes) }
func (t try) Binary() Figure         { return t.figure("/image/binary", t.Image.Binary) }
func (t try) Rest() Figure           { return t.figure("/rest", t.Image.Rest()) }
func (t try) File(f run.File) Figure { return t.figure("/image/files"+f.Path, f.Bytes) }

func (t try) figure(of string, value int64) Figure {
	return Figure{t.Step + "/" + t.Dockerfile + of, value}
}

// figure shows a size as docker does.
func figure(f Figure) template.HTML { return f.as(screen.Size(f.Value)) }

// number shows it to the last byte, in groups of three digits.
func number(f Figure) template.HTML {
	digits := fmt.Sprint(f.Value)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return f.as(digits)
}

func (f Figure) as(text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<data value="%d" data-of="%s">%s</data>`, f.Value, template.HTMLEscapeString(f.Of), text))
}

var quoted = regexp.MustCompile("`([^`]*)`")

// prose shows what stands between backticks as code.
func prose(text string) template.HTML {
	return template.HTML(quoted.ReplaceAllString(template.HTMLEscapeString(text), "<code>$1</code>"))
}
