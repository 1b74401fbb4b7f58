package page

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/story"
)

// exercisesTable lists the exercises, without what is wrong in them.
func exercisesTable(from source) (string, error) {
	text := "| Exercise | What people see of it | The goal that is not met |\n|---|---|---|\n"
	for _, e := range from.exercises {
		text += fmt.Sprintf("| [%s](%s/) %s | `%s` | `%s` |\n", e.Name, e.Name, e.Title, e.Says, e.Goal)
	}
	return text, nil
}

// sixDiffs shows what each step changes, and nothing of what stays.
func sixDiffs(from source) (string, error) {
	text := ""
	for _, step := range from.steps {
		lines, err := story.Diff(from.steps, step, step.Main().Dockerfile)
		if err != nil {
			return "", err
		}
		var changed []string
		for _, line := range lines {
			if len(line) > 2 && line[0] != ' ' {
				changed = append(changed, line)
			}
		}
		all := from.record.Of(step.Name)
		if len(all) == 0 {
			return "", fmt.Errorf("%s is not in the record", step.Name)
		}
		main := all[len(all)-1]
		text += fmt.Sprintf("**%s. %s**: %s, %s\n\n```diff\n%s\n```\n\n", step.Number(), step.Title,
			cell(story.Row(all)), lesson.Size(main.Image.Bytes), strings.Join(changed, "\n"))
	}
	return text, nil
}

// errorsTable is error, cause and fix: of the steps that fail, then of the exercises.
func errorsTable(from source) (string, error) {
	text := "| What it says | What is wrong | The fix |\n|---|---|---|\n"
	for i, step := range from.steps[:len(from.steps)-1] {
		all := from.record.Of(step.Name)
		if len(all) == 0 {
			return "", fmt.Errorf("%s is not in the record", step.Name)
		}
		if main := all[len(all)-1]; main.Outcome == lesson.Fails {
			text += fmt.Sprintf("| `%s` | %s | step %s: %s |\n", said(main.Message), story.Failure(main), from.steps[i+1].Number(), from.steps[i+1].Change)
		}
	}
	for _, e := range from.exercises {
		text += fmt.Sprintf("| `%s` | %s | %s |\n", e.Says, cmp.Or(e.Cause, "not "+e.Goal), e.Fix)
	}
	return text, nil
}

// said is the end of an engine's words: what comes before it differs by version.
func said(message string) string {
	line := record.Normalise(message)
	line = line[strings.LastIndex(line, "\n")+1:]
	if i := strings.Index(line, `exec: "`); i >= 0 {
		line = line[i:]
	}
	return strings.TrimSuffix(line, ": unknown")
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
	return text + fmt.Sprintf("\nAll six at once: %.0f s. Measured from an empty build cache on a machine with two cores, with %s, %s %s and its %s builder.\n",
		from.cold.Seconds, from.cold.Base.Said(), from.cold.Engine.Name, from.cold.Engine.Version, from.cold.Engine.Builder), nil
}

// outcomes is what happens at each step, in a line: what a teacher must know by heart.
func outcomes(from source) (string, error) {
	text := "| Step | It | The image |\n|---|---|---|\n"
	for _, step := range from.steps {
		all := from.record.Of(step.Name)
		if len(all) == 0 {
			return "", fmt.Errorf("%s is not in the record", step.Name)
		}
		text += fmt.Sprintf("| %s. %s | %s | %s |\n", step.Number(), step.Title, cell(story.Row(all)), lesson.Size(all[len(all)-1].Image.Bytes))
	}
	return text, nil
}
