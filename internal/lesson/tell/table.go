package tell

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Row puts a step's tries into one line: what its main Dockerfile did, and, if
// there was one, how the first try ended.
func Row(outcomes []run.Outcome) string {
	main := outcomes[len(outcomes)-1]
	text := result(main)
	for _, first := range outcomes[:len(outcomes)-1] {
		switch {
		case first.Verdict != run.AsExpected:
			text += "; " + first.Dockerfile + ": " + result(first)
		case first.Outcome == table.Runs: // its figure tells how it differs
		case first.Cause == "missing-shell":
			text += "; first try: no " + first.Missing
		default:
			text += "; first try: " + first.Cause
		}
	}
	return text
}

func result(o run.Outcome) string {
	if o.Verdict == run.Environment || o.Verdict == run.Unexpected {
		word := "UNEXPECTED"
		if o.Verdict == run.Environment {
			word = "CANNOT TELL"
		}
		return word + ": " + strings.Join(o.Reasons, "; ")
	}
	switch {
	case o.Outcome == table.Runs && o.Expected.SameLayersAs != "":
		number, _, _ := strings.Cut(o.Expected.SameLayersAs, "-")
		return "RUNS   as " + o.User + ", the layers of " + number
	case o.Outcome == table.Runs:
		return "RUNS   as " + o.User
	case strings.HasPrefix(o.Cause, "missing-") && o.Missing != "":
		return fmt.Sprintf("FAILS  at %s: no %s", o.Phase, o.Missing)
	}
	return fmt.Sprintf("FAILS  at %s: %s", o.Phase, o.Cause)
}

// nameWidth is the table's first column: the name of the repo's longest step, and two spaces.
const nameWidth = 20

// inColumn is a step's name in that column; of a longer one its beginning, which has the number.
func inColumn(name string) string { return PadRight(cut(name, nameWidth-1), nameWidth) }

// Table writes the finished table of a run and what it comes to.
func (t *Terminal) Table(steps []table.Step, doc record.Run) {
	tries := map[string][]run.Outcome{}
	for _, o := range doc.Steps {
		tries[o.Step] = append(tries[o.Step], o)
	}
	sizes := 0
	if t.Width >= 72 {
		sizes = 16
		t.Say(t.Paint(Dim, PadRight("step", nameWidth)+PadRight("outcome", t.width80()-nameWidth-sizes)+padLeft("here", 7)+padLeft("article", 9)))
	}
	for _, step := range steps {
		if outcomes := tries[step.Name]; len(outcomes) > 0 {
			t.row(step, outcomes, sizes)
		}
	}
	t.total(doc, like(steps[0], *doc.Base))
	t.kept(doc.Steps)
}

// row writes one step; what does not fit beside the sizes goes to lines of its own.
func (t *Terminal) row(step table.Step, outcomes []run.Outcome, sizes int) {
	main := outcomes[len(outcomes)-1]
	here, article := "-", "-"
	if main.Image != nil {
		here = table.Size(main.Image.Bytes).String()
	}
	if step.ArticleSize > 0 {
		article = step.ArticleSize.String()
	}
	color := Green
	if run.Worst(outcomes) != run.AsExpected {
		color = Red
	}
	room := t.width80() - nameWidth - sizes
	text := screen.Fold(Row(outcomes), room)
	for _, o := range outcomes {
		if figure := Figure(step, o); figure != "" && o.Verdict == run.AsExpected {
			if len(outcomes) > 1 {
				figure = o.Dockerfile + ": " + figure
			}
			text = append(text, screen.Fold(figure, room)...)
		}
	}
	text[0] = strings.Replace(text[0], "RUNS ", "RUNS   ", 1) // wrap folds the spaces that line the words up
	text[0] = strings.Replace(text[0], "FAILS ", "FAILS  ", 1)
	first := PadRight(text[0], room)
	if sizes > 0 {
		first = t.Paint(color, first) + padLeft(here, 7) + padLeft(article, 9)
	} else {
		first = t.Paint(color, text[0])
		text = append(text, "size "+here)
	}
	t.Say(inColumn(step.Name) + first)
	for _, line := range text[1:] {
		t.Say(strings.Repeat(" ", nameWidth) + t.Paint(color, line))
	}
}

// width80 is the width for tables: more than 100 columns make rows hard to follow.
func (t *Terminal) width80() int { return min(t.Width, 100) }

func (t *Terminal) total(doc record.Run, like string) {
	switch doc.Verdict {
	case run.AsExpected:
		t.Coloured(Green, fmt.Sprintf("All %s, in %.0f s.", like, doc.Seconds))
	case run.Unexpected:
		t.Coloured(Red, "Not all is "+like+".")
	default:
		t.Coloured(Red, "The environment stopped some of it; what is said of the others holds.")
	}
	t.Indented("", fmt.Sprintf("Base: %s (Go %s, %s). Engine: %s, %s builder.",
		doc.Base.Said(), doc.Base.Go, doc.Base.Libc, doc.Engine.Said(), doc.Engine.Builder))
}
