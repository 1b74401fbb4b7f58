// Package report makes the one page that shows the whole lesson: a file of HTML
// that asks for nothing else, to read on a phone, to print, or to teach from.
// Every figure on it is taken from the records and the steps' files.
package report

import (
	"bytes"
	_ "embed"
	"errors"
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
)

//go:embed report.html
var text string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"figure": figure, "number": number, "size": func(f Figure) string { return table.Size(f.Value).String() }, "prose": prose,
}).Parse(text))

// article is the base that the lesson is told on.
const article = "article"

// Render makes the page from the folder of steps.
func Render(dir string) ([]byte, error) {
	steps, err := table.Load(dir)
	if err != nil {
		return nil, err
	}
	runs, err := records(dir)
	if err != nil {
		return nil, err
	}
	v, err := newView(steps, runs)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// records reads those of all bases, the article's first.
func records(dir string) ([]record.Run, error) {
	files, err := filepath.Glob(filepath.Join(dir, "records", "*.json"))
	if err != nil {
		return nil, err
	}
	var runs []record.Run
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if strings.Contains(name, ".") { // beside the first one, another engine's
			continue
		}
		doc, err := record.Read(dir, name)
		if err != nil {
			return nil, err
		}
		if doc == nil || doc.Kind != "run" || doc.Base == nil || doc.Engine == nil {
			continue
		}
		if name == article {
			runs = slices.Insert(runs, 0, *doc)
		} else {
			runs = append(runs, *doc)
		}
	}
	if len(runs) == 0 || runs[0].Base.Name != article {
		return nil, errors.New("there is no record of the article's base to report: dev record makes one")
	}
	return runs, nil
}

// view is what the page shows.
type view struct {
	Run         record.Run // on the article's base
	First, Last Figure     // sizes: the article's first image, our last
	Steps       []step
	Runs        []record.Run // a column of the matrix each
	Matrix      []row
}

type step struct {
	table.Step
	Tries       []try    // the main one first
	Transcripts []string // one for each try, in the order in which they ran
	Bars        []bar
}

type try struct {
	run.Outcome
	Diff   []line
	Layers []layer
	Of     string // names its facts: STEP/DOCKERFILE
}

// line is one of a diff: Kind is add, gone or stay.
type line struct{ Kind, Text string }

// layer is one of an image's, and the first step that shows the same.
type layer struct{ Short, SameAs string }

type bar struct {
	Kind, Label string
	Figure      Figure
	Percent     string
}

type row struct {
	Step  string
	Cells []cell
}

// cell is what a step did on a base.
type cell struct {
	Base, Text, Outcome string
	Differs             bool // from what it did on the article's
}

func newView(steps []table.Step, runs []record.Run) (view, error) {
	v := view{Run: runs[0], Runs: runs}
	seen := map[string]string{} // layer -> the step that showed it first
	var most int64
	for _, s := range steps {
		made, err := newStep(steps, s, runs[0].Of(s.Name), seen)
		if err != nil {
			return v, err
		}
		for _, b := range made.Bars {
			most = max(most, b.Figure.Value)
		}
		v.Steps = append(v.Steps, made)
		r := row{Step: s.Name}
		for _, doc := range runs {
			c := newCell(doc, s.Name)
			c.Differs = len(r.Cells) > 0 && c.Text != r.Cells[0].Text
			r.Cells = append(r.Cells, c)
		}
		v.Matrix = append(v.Matrix, r)
	}
	for _, s := range v.Steps {
		for i := range s.Bars {
			s.Bars[i].Percent = fmt.Sprintf("%.2f%%", 100*float64(s.Bars[i].Figure.Value)/float64(most))
		}
	}
	last := v.Steps[len(v.Steps)-1].Tries[0]
	v.First = Figure{steps[0].Name + "/article_size", int64(steps[0].ArticleSize)}
	v.Last = Figure{last.Of + "/image/bytes", last.Image.Bytes}
	return v, nil
}

func newStep(steps []table.Step, s table.Step, outcomes []run.Outcome, seen map[string]string) (step, error) {
	made := step{Step: s}
	if len(outcomes) == 0 || outcomes[len(outcomes)-1].Image == nil {
		return made, fmt.Errorf("%s is not in the record, or without an image: dev record", s.Name)
	}
	transcript, err := os.ReadFile(filepath.Join(s.Dir, "output.txt"))
	if err != nil {
		return made, err
	}
	made.Transcripts = transcripts(strings.TrimRight(strings.ReplaceAll(string(transcript), "\r\n", "\n"), "\n"), outcomes)
	for i := len(outcomes) - 1; i >= 0; i-- {
		t := try{Outcome: outcomes[i], Of: s.Name + "/" + outcomes[i].Dockerfile}
		diff, err := tell.Diff(steps, s, t.Dockerfile)
		if err != nil {
			return made, err
		}
		for _, text := range diff {
			t.Diff = append(t.Diff, newLine(text))
		}
		if t.Image != nil {
			for _, digest := range t.Image.Layers {
				t.Layers = append(t.Layers, layer{short(digest), seen[digest]})
			}
			for _, digest := range t.Image.Layers {
				if seen[digest] == "" {
					seen[digest] = s.Name
				}
			}
		}
		made.Tries = append(made.Tries, t)
	}
	if s.ArticleSize > 0 {
		made.Bars = append(made.Bars, bar{Kind: "article", Label: "in the article", Figure: Figure{s.Name + "/article_size", int64(s.ArticleSize)}})
	}
	made.Bars = append(made.Bars, bar{Kind: "here", Label: "here", Figure: Figure{made.Tries[0].Of + "/image/bytes", made.Tries[0].Image.Bytes}})
	return made, nil
}

// Ran are the tries in the order in which they ran.
func (s step) Ran() []try {
	ran := slices.Clone(s.Tries)
	slices.Reverse(ran)
	return ran
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

func newLine(text string) line {
	switch {
	case strings.HasPrefix(text, "+"):
		return line{"add", text}
	case strings.HasPrefix(text, "-"):
		return line{"gone", text}
	}
	return line{"stay", text}
}

func newCell(doc record.Run, name string) cell {
	outcomes := doc.Of(name)
	if len(outcomes) == 0 {
		return cell{Base: doc.Base.Name, Text: "not tried"}
	}
	text := strings.Join(strings.Fields(tell.Row(outcomes)), " ")
	return cell{Base: doc.Base.Name, Text: text, Outcome: outcomes[len(outcomes)-1].Outcome}
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
func (t try) Rest() Figure   { return Figure{t.Of + "/rest", t.Image.Bytes - t.Image.Binary} }

// held is a file in an image.
type held struct {
	Path   string
	Figure Figure
}

// Contents are all files of a small image.
func (t try) Contents() (all []held) {
	for _, f := range t.Image.Files {
		all = append(all, held{f.Path, Figure{t.Of + "/image/files" + f.Path, f.Bytes}})
	}
	return all
}
