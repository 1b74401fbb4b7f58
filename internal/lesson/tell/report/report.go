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
	"figure": figure, "number": number, "size": screen.Size, "prose": prose, "row": tell.Row, "main": run.Main, "happened": happened,
	"diff": tell.Diff, "of": of,
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
	v := view{Run: &records[0], Runs: record.OfBases(records), Steps: steps}
	for _, s := range steps {
		if outcomes := v.Run.Of(s.Name); len(outcomes) == 0 || run.Main(outcomes).Image == nil {
			return nil, fmt.Errorf("%s is not in the record, or without an image: run all --json | dev record", s.Name)
		}
	}
	var out bytes.Buffer
	err = page.Execute(&out, v)
	return out.Bytes(), err
}

// view is what the page shows. A number on it is told with where it stands: it can be held against that.
type view struct {
	Run   *record.Run // on the article's base
	Runs  []record.Run
	Steps []table.Step
}

// bar is a size in the chart.
type bar struct {
	Kind, Label string
	Of          string
	Bytes       int64
}

// Bars are the sizes of a step's image.
func (v view) Bars(s table.Step) (bars []bar) {
	if s.ArticleSize > 0 {
		bars = append(bars, bar{"article", "in the article", s.Name + "/article_size", int64(s.ArticleSize)})
	}
	main := run.Main(v.Run.Of(s.Name))
	return append(bars, bar{"here", "here", of(main, "/image/bytes"), main.Image.Bytes})
}

// First and Last are sizes: the article's first image, our last.
func (v view) First() bar { return v.Bars(v.Steps[0])[0] }
func (v view) Last() bar {
	bars := v.Bars(v.Steps[len(v.Steps)-1])
	return bars[len(bars)-1]
}

// Percent is how long a bar is.
func (v view) Percent(b bar) string {
	var most int64
	for _, s := range v.Steps {
		for _, other := range v.Bars(s) {
			most = max(most, other.Bytes)
		}
	}
	return fmt.Sprintf("%.2f%%", 100*float64(b.Bytes)/float64(most))
}

// SameAs is the first step that shows a layer; "" where it is this one.
func (v view) SameAs(digest, own string) string {
	i := slices.IndexFunc(v.Run.Steps, func(o run.Outcome) bool {
		return o.Step == own || o.Image != nil && slices.Contains(o.Image.Layers, digest)
	})
	if first := v.Run.Steps[i].Step; first != own {
		return first
	}
	return ""
}

// of is where something stands of what became of a Dockerfile.
func of(o run.Outcome, what string) string { return o.Step + "/" + o.Dockerfile + what }

// figure shows a size as docker does.
func figure(of string, bytes int64) template.HTML { return data(of, bytes, screen.Size(bytes)) }

// number shows it to the last byte, in groups of three digits.
func number(of string, bytes int64) template.HTML {
	digits := fmt.Sprint(bytes)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return data(of, bytes, digits)
}

func data(of string, value int64, text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<data value="%d" data-of="%s">%s</data>`, value, template.HTMLEscapeString(of), text))
}

var quoted = regexp.MustCompile("`([^`]*)`")

// prose shows what stands between backticks as code.
func prose(text string) template.HTML {
	return template.HTML(quoted.ReplaceAllString(template.HTMLEscapeString(text), "<code>$1</code>"))
}
