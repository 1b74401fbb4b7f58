package tell

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Row puts a step's tries into one line: what its main Dockerfile did, and, if
// there was one, how the first try ended.
func Row(outcomes []run.Outcome) string {
	last := len(outcomes) - 1
	text := result(outcomes[last])
	for _, first := range outcomes[:last] {
		switch {
		case first.Verdict != run.AsExpected:
			text += "; " + first.Dockerfile + ": " + result(first)
		case first.Outcome == table.Fails: // of what runs its figure tells how it differs
			text += "; first try: " + lack(first)
		}
	}
	return text
}

// result is how a try ended.
func result(o run.Outcome) string {
	number, _, _ := strings.Cut(o.Expected.SameLayersAs, "-")
	switch {
	case o.Verdict == run.Environment:
		return "CANNOT TELL: " + o.Why()
	case o.Verdict == run.Unexpected:
		return "UNEXPECTED: " + o.Why()
	case o.Outcome == table.Fails:
		return "FAILS at " + string(o.Phase) + ": " + lack(o)
	case number != "":
		return "RUNS as " + o.User + ", the layers of " + number
	}
	return "RUNS as " + o.User
}

// lack is the cause of a failure, or what it says is not there.
func lack(o run.Outcome) string {
	if strings.HasPrefix(string(o.Cause), "missing-") && o.Missing != "" {
		return "no " + o.Missing
	}
	return string(o.Cause)
}

// Widths of tables: of the first column, for the name of the repo's longest step and two spaces, and of
// all, as more makes rows hard to follow.
const (
	nameWidth = 20
	mostWidth = 100
)

// inColumn is a step's name in that column; of a longer one its beginning, which has the number.
func inColumn(name string) string { return fmt.Sprintf("%-*s", nameWidth, cut(name, nameWidth-1)) }

// Table writes the finished table of a run and what it comes to.
func (t *Terminal) Table(steps []table.Step, doc record.Run) {
	room := max(12, min(t.Width, mostWidth)-nameWidth-7-9)
	t.Say(t.Paint(Dim, fmt.Sprintf("%-*s%-*s%7s%9s", nameWidth, "step", room, "outcome", "here", "article")))
	for _, step := range steps {
		if outcomes := doc.Of(step.Name); len(outcomes) > 0 {
			t.row(step, outcomes, room)
		}
	}
	t.total("", doc, like(steps[0], doc.Base))
	t.kept(doc.Steps)
}

// row writes one step; what does not fit beside the sizes goes to lines of its own.
func (t *Terminal) row(step table.Step, outcomes []run.Outcome, room int) {
	color := colorOf(run.Worst(outcomes))
	lines := screen.Fold(Row(outcomes), room)
	for _, figure := range Figures(step, outcomes) {
		lines = append(lines, screen.Fold(figure, room)...)
	}
	first := t.Paint(color, fmt.Sprintf("%-*s", room, lines[0]))
	t.Say(fmt.Sprintf("%s%s%7s%9s", inColumn(step.Name), first, sizeOf(run.Main(outcomes)), inArticle(step.ArticleSize)))
	for _, line := range lines[1:] {
		t.Say(strings.Repeat(" ", nameWidth) + t.Paint(color, line))
	}
}

// sizeOf is the size of a try's image.
func sizeOf(o run.Outcome) string {
	if o.Image == nil {
		return "-"
	}
	return screen.Size(o.Image.Bytes)
}

// inArticle is a size that the article shows.
func inArticle(size table.Size) string {
	if size == 0 {
		return "-"
	}
	return size.String()
}

func colorOf(verdict string) string {
	if verdict == run.AsExpected {
		return Green
	}
	return Red
}

// total is what a run comes to, and what it was made with, as far as that is known.
func (t *Terminal) total(of string, doc record.Run, like string) {
	text := "The environment stopped some of it; what is said of the others holds. " + doc.Reason
	switch doc.Verdict {
	case run.AsExpected:
		text = fmt.Sprintf("All %s, in %.0f s.", like, doc.Seconds)
	case run.Unexpected:
		text = "Not all is " + like + "."
	}
	t.Coloured(colorOf(doc.Verdict), of+text)
	if doc.Engine != nil {
		t.Paragraph("Base: " + ground(doc.Base) + " Engine: " + doc.Engine.Said() + ", " + doc.Engine.Builder + " builder.")
	}
}

// ground is what stands behind FROM.
func ground(base *base.Ready) string {
	return fmt.Sprintf("%s (Go %s, %s).", base.Said(), base.Go, base.Libc)
}

// Figure says in half a sentence what a lesson after the article measured; "" where nothing was.
func Figure(step table.Step, o run.Outcome) string {
	m, number := o.Measured, table.Step{Name: step.Against}.Number()
	switch {
	case m.Changed > 0:
		return fmt.Sprintf("a changed line costs %.1f s; in step %s, %.1f s", m.Changed, number, m.Before)
	case m.BinaryBefore > 0:
		return fmt.Sprintf("%s is %s; in step %s, %s", table.Binary, screen.Size(o.Image.Binary), number, screen.Size(m.BinaryBefore))
	case m.NumericUser != nil && *m.NumericUser:
		text := "USER " + o.Image.User + " is a number, and not root's"
		if strings.Trim(m.UserBefore, "0123456789:") != "" {
			text += fmt.Sprintf("; of %s in step %s only the image's files can tell", m.UserBefore, number)
		}
		return text
	case m.Health != "":
		return "it answers, and is " + m.Health
	case len(m.Machines) > 0:
		return "programs for " + strings.Join(m.Machines, " and ")
	case m.Repeats != "":
		return "built again: " + repeated[m.Repeats]
	}
	return ""
}

// Figures are those of all of a step's tries that have one.
func Figures(step table.Step, outcomes []run.Outcome) (all []string) {
	for _, o := range outcomes {
		figure := Figure(step, o)
		if figure != "" && len(outcomes) > 1 {
			figure = o.Dockerfile + ": " + figure
		}
		if figure != "" {
			all = append(all, figure)
		}
	}
	return all
}

var repeated = map[string]string{
	table.Nothing: "other layers", table.Layers: "the same layers", table.Digest: "the same image, digest and all",
}

// Matrix writes the table of steps by bases, and what it comes to.
func (t *Terminal) Matrix(steps []table.Step, m record.Matrix) {
	room := max(18, (min(t.Width, mostWidth)-nameWidth)/len(m.Runs))
	head := inColumn("step")
	for _, doc := range m.Runs {
		head += fmt.Sprintf("%-*s", room, cut(doc.Base.Name, room-1))
	}
	t.Say(t.Paint(Dim, strings.TrimRight(head, " ")))
	for _, step := range steps {
		row := inColumn(step.Name)
		for _, doc := range m.Runs {
			outcomes := doc.Of(step.Name)
			row += t.Paint(colorOf(run.Worst(outcomes)), fmt.Sprintf("%-*s", room, cut(cell(outcomes), room-1)))
		}
		t.Say(strings.TrimRight(row, " "))
	}
	for _, doc := range m.Runs {
		t.total(doc.Base.Name+": ", doc, "as foretold")
		for _, o := range doc.Steps {
			for _, reason := range o.Reasons {
				t.Indented("  ", o.Step+" ("+o.Dockerfile+"): "+reason.String())
			}
		}
	}
}

// cell is what became of a step on a base, in few words.
func cell(outcomes []run.Outcome) string {
	switch run.Worst(outcomes) {
	case run.Environment:
		return "CANNOT TELL"
	case run.Unexpected:
		return "UNEXPECTED"
	}
	if len(outcomes) == 0 {
		return "-"
	}
	main := run.Main(outcomes)
	word := "RUNS"
	if main.Outcome == table.Fails {
		word = "FAILS " + string(main.Phase)
	}
	return fmt.Sprintf("%-12s%s", word, sizeOf(main))
}
