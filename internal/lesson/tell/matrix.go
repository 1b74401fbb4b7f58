package tell

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

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
		t.Coloured(Green, fmt.Sprintf("%sall as expected, in %.0f s, on %s (Go %s, %s).", name, doc.Seconds, doc.Base.Said(), doc.Base.Go, doc.Base.Libc))
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
