package page

import (
	"fmt"
	"math"
	"strings"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// exercisesTable lists the exercises, without what is wrong in them.
func exercisesTable(from source) (string, error) {
	text := "| Exercise | What people see of it | The goal that is not met |\n|---|---|---|\n"
	for _, e := range from.exercises {
		text += fmt.Sprintf("| [%s](%s/) %s | `%s` | `%s` |\n", e.Name, e.Name, e.Title, e.Says, e.Goal)
	}
	return text, nil
}

// minutes is how long the steps take a class the first time: measured from an
// empty build cache, and kept in the workshop's own record.
func minutes(from source) (string, error) {
	if from.cold == nil {
		return "", fmt.Errorf("workshop/records holds no run from an empty build cache: `run all --json` right after `clean` and `base` makes one")
	}
	text := "| Step | Build | Start and answer |\n|---|---|---|\n"
	for _, step := range from.steps {
		build, start := 0.0, 0.0
		for _, o := range from.cold.Steps {
			if o.Step == step.Name {
				build, start = build+o.Seconds.Build, start+o.Seconds.Start
			}
		}
		text += fmt.Sprintf("| %s | %.0f s | %.0f s |\n", step.Name, math.Ceil(build), math.Ceil(start))
	}
	return text + fmt.Sprintf("\nAll six at once: %.0f s. Measured from an empty build cache on a machine with two cores, with %s, %s and its %s builder.\n",
		from.cold.Seconds, from.cold.Base.Said(), from.cold.Engine.Said(), from.cold.Engine.Builder), nil
}

// demos are the demonstrations: what the room says, the command, and what is then seen.
func demos(from source) (string, error) {
	if from.shown == nil {
		return notMeasured + ".\n", nil
	}
	text := "| They say | Show it | What is seen | Why |\n|---|---|---|---|\n"
	for _, step := range from.demos {
		seen := ""
		for _, o := range from.shown.Of(step.Name) {
			lines := strings.Split(strings.TrimSpace(record.Normalise(o.Message)), "\n")
			said := lines[len(lines)-1]
			if o.Image == nil { // the last line is the builder's own
				said = lines[max(0, len(lines)-2)]
			} else {
				said += "`; the image has `" + table.Size(o.Image.Bytes).String()
			}
			seen += "`" + said + "` "
		}
		text += fmt.Sprintf("| “%s” | `go run ./scripts run demos %s` | %s| %s |\n", step.Claim, step.Number(), seen, step.Why)
	}
	return text, nil
}

// outcomes is what happens at each step, in a line: what a teacher must know by heart.
func outcomes(from source) (string, error) {
	text := "| Step | It | The image |\n|---|---|---|\n"
	for _, step := range from.steps {
		all, err := recorded(from.record, step)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("| %s. %s | %s | %s |\n", step.Number(), step.Title, cell(tell.Row(all)), table.Size(all[len(all)-1].Image.Bytes))
	}
	return text, nil
}
