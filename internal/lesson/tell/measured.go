package tell

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

// Figure says in half a sentence what a lesson after the article measured; "" where nothing was.
func Figure(step table.Step, o run.Outcome) string {
	if o.Measured == nil {
		return ""
	}
	m, number := *o.Measured, table.Step{Name: step.Against}.Number()
	switch {
	case m.Changed > 0:
		return fmt.Sprintf("a changed line costs %.1f s; in step %s, %.1f s", m.Changed, number, m.Before)
	case m.BinaryBefore > 0:
		return fmt.Sprintf("%s is %s; in step %s, %s", table.Binary, table.Size(o.Image.Binary), number, table.Size(m.BinaryBefore))
	case m.NumericUser != nil && *m.NumericUser && strings.Trim(m.UserBefore, "0123456789:") == "":
		return fmt.Sprintf("USER %s is a number, and not root's", o.Image.User)
	case m.NumericUser != nil && *m.NumericUser:
		return fmt.Sprintf("USER %s is a number, and not root's; of %s in step %s only the image's files can tell", o.Image.User, m.UserBefore, number)
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
