package story

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/trial"
)

// Matrix writes the table of steps by bases, and what it comes to.
func (t *Terminal) Matrix(steps []lesson.Step, m record.Matrix) {
	room := max(18, (t.width80()-nameWidth)/max(1, len(m.Runs)))
	head := padRight("step", nameWidth)
	for _, run := range m.Runs {
		head += padRight(cut(run.Base.Name, room-1), room)
	}
	t.say(t.paint(dim, strings.TrimRight(head, " ")))
	for _, step := range steps {
		row := inColumn(step.Name)
		for _, run := range m.Runs {
			outcomes := run.Of(step.Name)
			color := green
			if trial.Worst(outcomes) != trial.AsExpected {
				color = red
			}
			row += t.paint(color, padRight(cut(cell(outcomes), room-1), room))
		}
		t.say(strings.TrimRight(row, " "))
	}
	for _, run := range m.Runs {
		t.matrixTotal(run)
	}
}

// cell is what became of a step on a base, in few words.
func cell(outcomes []trial.Outcome) string {
	if len(outcomes) == 0 {
		return "-"
	}
	main := outcomes[len(outcomes)-1]
	word := "RUNS"
	switch {
	case trial.Worst(outcomes) == trial.Environment:
		return "CANNOT TELL"
	case trial.Worst(outcomes) == trial.Unexpected:
		return "UNEXPECTED"
	case main.Outcome == lesson.Fails:
		word = "FAILS " + main.Phase
	}
	if main.Image == nil {
		return word
	}
	return padRight(word, 12) + lesson.Size(main.Image.Bytes).String()
}

func (t *Terminal) matrixTotal(run record.Run) {
	name := run.Base.Name + ": "
	switch run.Verdict {
	case trial.AsExpected:
		t.coloured(green, fmt.Sprintf("%sall as expected, in %.0f s, on %s (Go %s, %s).", name, run.Seconds, run.Base.Said(), run.Base.Go, run.Base.Libc))
		return
	case trial.Environment:
		t.coloured(red, name+"the environment stopped it. "+strings.TrimSpace(run.Reason))
	default:
		t.coloured(red, name+"not all is as expected.")
	}
	for _, o := range run.Steps {
		for _, reason := range o.Reasons {
			t.paragraph("  ", o.Step+" ("+o.Dockerfile+"): "+reason)
		}
	}
}
