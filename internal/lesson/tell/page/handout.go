package page

import (
	"fmt"
	"html/template"
	"strings"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// The handout is HTML, not Markdown, for the sake of its columns: it has to be one page on paper.
var handout = template.Must(template.New("handout").Parse(`
{{- define "six-diffs"}}{{range .}}<section><h3>{{.Title}}</h3><p>{{.Outcome}}</p><pre>
{{range .Changed}}{{if eq (slice . 0 1) "+"}}<ins>{{.}}</ins>{{else}}<del>{{.}}</del>{{end}}
{{end}}</pre></section>
{{end}}{{end}}
{{- define "errors"}}{{range .}}<tr><td><code>{{.Says}}</code></td><td>{{.Cause}}</td><td>{{.Fix}}</td></tr>
{{end}}{{end}}`))

// sixDiffs shows what each step changes, and nothing of what stays.
func sixDiffs(from source) (string, error) {
	type change struct {
		Title, Outcome string
		Changed        []string // lines of the diff, each with its + or -
	}
	var changes []change
	for _, step := range from.steps {
		outcomes, err := recorded(from.record, step)
		if err != nil {
			return "", err
		}
		lines, err := tell.Diff(from.steps, step, step.Main().Dockerfile)
		if err != nil {
			return "", err
		}
		c := change{
			Title:   step.Number() + ". " + step.Title,
			Outcome: cell(tell.Row(outcomes)) + ", " + table.Size(outcomes[len(outcomes)-1].Image.Bytes).String(),
		}
		for _, line := range lines {
			if len(line) > 2 && line[0] != ' ' {
				c.Changed = append(c.Changed, line)
			}
		}
		changes = append(changes, c)
	}
	return html("six-diffs", changes)
}

// errorsTable is error, cause and fix of the steps that fail. The exercises are for their finders: nothing of them is here.
func errorsTable(from source) (string, error) {
	type row struct{ Says, Cause, Fix string }
	var rows []row
	for i, step := range from.steps[:len(from.steps)-1] {
		outcomes, err := recorded(from.record, step)
		if err != nil {
			return "", err
		}
		if main := outcomes[len(outcomes)-1]; main.Outcome == table.Fails {
			next := from.steps[i+1]
			rows = append(rows, row{lastWords(main.Message), tell.Failure(main), "step " + next.Number() + ": " + next.Change})
		}
	}
	return html("errors", rows)
}

// recorded is what happened at a step: at least one outcome, the last one its own Dockerfile's.
func recorded(doc *record.Run, step table.Step) ([]run.Outcome, error) {
	outcomes := doc.Of(step.Name)
	if len(outcomes) == 0 {
		return nil, fmt.Errorf("%s is not in the record of %s", step.Name, doc.Base.Name)
	}
	return outcomes, nil
}

// lastWords is the end of an engine's words: what comes before it differs by version.
func lastWords(message string) string {
	line := record.Normalise(message)
	line = line[strings.LastIndex(line, "\n")+1:]
	if i := strings.Index(line, `exec: "`); i >= 0 {
		line = line[i:]
	}
	return strings.TrimSuffix(line, ": unknown")
}

func html(name string, data any) (string, error) {
	var out strings.Builder
	err := handout.ExecuteTemplate(&out, name, data)
	return out.String(), err
}
