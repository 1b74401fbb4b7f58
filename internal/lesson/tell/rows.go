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
		columns := PadRight("step", nameWidth) + PadRight("outcome", t.width80()-nameWidth-sizes)
		t.Say(t.Paint(Dim, columns+padLeft("here", 7)+padLeft("article", 9)))
	}
	for _, step := range steps {
		if outcomes := tries[step.Name]; len(outcomes) > 0 {
			t.row(step, outcomes, sizes)
		}
	}
	t.total(doc, like(steps[0], doc.Base))
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

// Figure says in half a sentence what a lesson after the article measured; "" where nothing was.
func Figure(step table.Step, o run.Outcome) string {
	m, number := o.Measured, table.Step{Name: step.Against}.Number()
	switch {
	case m.Changed > 0:
		return fmt.Sprintf("a changed line costs %.1f s; in step %s, %.1f s", m.Changed, number, m.Before)
	case m.BinaryBefore > 0:
		return fmt.Sprintf("%s is %s; in step %s, %s", table.Binary, table.Size(o.Image.Binary), number, table.Size(m.BinaryBefore))
	case m.NumericUser != nil && *m.NumericUser && strings.Trim(m.UserBefore, "0123456789:") == "":
		return fmt.Sprintf("USER %s is a number, and not root's", o.Image.User)
	case m.NumericUser != nil && *m.NumericUser:
		return fmt.Sprintf("USER %s is a number, and not root's; of %s in step %s only the image's files can tell",
			o.Image.User, m.UserBefore, number)
	case m.Health != "":
		return "it answers, and is " + m.Health
	case len(m.Machines) > 0:
		return "programs for " + strings.Join(m.Machines, " and ")
	case m.Repeats == table.Nothing:
		return "built again: other layers"
	case m.Repeats == table.Layers:
		return "built again: the same layers"
	case m.Repeats == table.Digest:
		return "built again: the same image, digest and all"
	}
	return ""
}

// Matrix writes the table of steps by bases, and what it comes to.
func (t *Terminal) Matrix(steps []table.Step, m record.Matrix) {
	room := max(18, (t.width80()-nameWidth)/max(1, len(m.Runs)))
	head := PadRight("step", nameWidth)
	for _, doc := range m.Runs {
		head += PadRight(cut(doc.Base.Name, room-1), room)
	}
	t.Say(t.Paint(Dim, strings.TrimRight(head, " ")))
	for _, step := range steps {
		row := inColumn(step.Name)
		for _, doc := range m.Runs {
			outcomes := doc.Of(step.Name)
			color := Green
			if run.Worst(outcomes) != run.AsExpected {
				color = Red
			}
			row += t.Paint(color, PadRight(cut(cell(outcomes), room-1), room))
		}
		t.Say(strings.TrimRight(row, " "))
	}
	for _, doc := range m.Runs {
		t.matrixTotal(doc)
	}
}

// cell is what became of a step on a base, in few words.
func cell(outcomes []run.Outcome) string {
	if len(outcomes) == 0 {
		return "-"
	}
	main := outcomes[len(outcomes)-1]
	word := "RUNS"
	switch {
	case run.Worst(outcomes) == run.Environment:
		return "CANNOT TELL"
	case run.Worst(outcomes) == run.Unexpected:
		return "UNEXPECTED"
	case main.Outcome == table.Fails:
		word = "FAILS " + main.Phase
	}
	if main.Image == nil {
		return word
	}
	return PadRight(word, 12) + table.Size(main.Image.Bytes).String()
}

func (t *Terminal) matrixTotal(doc record.Run) {
	name := doc.Base.Name + ": "
	switch doc.Verdict {
	case run.AsExpected:
		t.Coloured(Green, fmt.Sprintf("%sall as expected, in %.0f s, on %s (Go %s, %s).",
			name, doc.Seconds, doc.Base.Said(), doc.Base.Go, doc.Base.Libc))
		return
	case run.Environment:
		t.Coloured(Red, name+"the environment stopped it. "+strings.TrimSpace(doc.Reason))
	default:
		t.Coloured(Red, name+"not all is as expected.")
	}
	for _, o := range doc.Steps {
		for _, reason := range o.Reasons {
			t.Indented("  ", o.Step+" ("+o.Dockerfile+"): "+reason)
		}
	}
}
