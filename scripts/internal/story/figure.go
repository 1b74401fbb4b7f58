package story

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/trial"
)

// Figure says in half a sentence what a lesson after the article measured; "" where nothing was.
func Figure(step lesson.Step, o trial.Outcome) string {
	if o.Measured == nil {
		return ""
	}
	m, number := *o.Measured, lesson.Step{Name: step.Against}.Number()
	switch {
	case m.Changed > 0:
		return fmt.Sprintf("a changed line costs %.1f s; in step %s, %.1f s", m.Changed, number, m.Before)
	case m.BinaryBefore > 0:
		return fmt.Sprintf("%s is %s; in step %s, %s", lesson.Binary, lesson.Size(o.Image.Binary), number, lesson.Size(m.BinaryBefore))
	case m.NumericUser != nil && *m.NumericUser:
		return fmt.Sprintf("USER %s is a number, and not root's; of %s in step %s only the image's files can tell", o.Image.User, m.UserBefore, number)
	case m.Health != "":
		return "it answers, and is " + m.Health
	case len(m.Machines) > 0:
		return "programs for " + strings.Join(m.Machines, " and ")
	case m.Repeats == lesson.Nothing:
		return "built again: other layers"
	case m.Repeats == lesson.Layers:
		return "built again: the same layers"
	case m.Repeats == lesson.Digest:
		return "built again: the same image, digest and all"
	}
	return ""
}
