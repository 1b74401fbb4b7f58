package page

import (
	"fmt"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// notMeasured is said of a lesson that the record does not have.
const notMeasured = "not measured yet: dev record beyond"

// beyondTable is the table of the lessons after the article.
func beyondTable(from source) (string, error) {
	if from.measured == nil {
		return notMeasured + ".\n", nil
	}
	text := "| Step | What changes | What happens | What it is worth |\n|---|---|---|---|\n"
	for _, step := range from.beyond {
		outcomes := from.measured.Of(step.Name)
		if len(outcomes) == 0 { // a new one
			text += fmt.Sprintf("| [%s](%s/) | %s | %s | – |\n", step.Name, step.Name, step.Change, notMeasured)
			continue
		}
		text += fmt.Sprintf("| [%s](%s/) | %s | %s | %s |\n", step.Name, step.Name, step.Change, cell(tell.Row(outcomes)), figures(step, outcomes))
	}
	return text + measuredOn(from), nil
}

// figure is what a lesson after the article measured, with each of its Dockerfiles.
func figure(from source) (string, error) {
	var outcomes []run.Outcome
	if from.measured != nil {
		outcomes = from.measured.Of(from.step.Name)
	}
	if len(outcomes) == 0 {
		return notMeasured + ".\n", nil
	}
	text := "| Dockerfile | What happens | The image | What is measured |\n|---|---|---|---|\n"
	for _, o := range outcomes {
		text += fmt.Sprintf("| `%s` | %s | %s | %s |\n", o.Dockerfile, cell(tell.Row([]run.Outcome{o})), imageSize(o.Image), orNothing(tell.Figure(from.step, o)))
	}
	return text + measuredOn(from), nil
}

func figures(step table.Step, outcomes []run.Outcome) string {
	text := ""
	for _, o := range outcomes {
		one := tell.Figure(step, o)
		switch {
		case one == "":
			continue
		case text != "":
			text += "; then: "
		case o.Dockerfile != step.Main().Dockerfile:
			text = "first try: "
		}
		text += one
	}
	return orNothing(text)
}

func orNothing(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func measuredOn(from source) string {
	e := from.measured.Engine
	return fmt.Sprintf("\nMeasured on %s, with %s and its %s builder.\n", from.measured.Base.Said(), e.Said(), e.Builder)
}
