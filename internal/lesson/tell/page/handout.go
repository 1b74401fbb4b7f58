package page

import (
	"html/template"
	"strings"

	"optimizing-dockerfile/internal/lesson/record"
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
	for _, step := range from.Steps {
		outcomes, err := recorded(from.Record, step)
		if err != nil {
			return "", err
		}
		lines, err := tell.Diff(from.Steps, step, step.Main().Dockerfile)
		if err != nil {
			return "", err
		}
		changes = append(changes, change{
			Title:   step.Number() + ". " + step.Title,
			Changed: tell.Changes(lines),
			Outcome: row(outcomes) + ", " + weight(mainOf(outcomes)),
		})
	}
	return html("six-diffs", changes)
}

// errorsTable is error, cause and fix of the steps that fail. The exercises are for their finders: nothing of them is here.
func errorsTable(from source) (string, error) {
	type fault struct{ Says, Cause, Fix string }
	var rows []fault
	for i, step := range from.Steps[:len(from.Steps)-1] {
		outcomes, err := recorded(from.Record, step)
		if err != nil {
			return "", err
		}
		if main := mainOf(outcomes); main.Outcome == table.Fails {
			next := from.Steps[i+1]
			rows = append(rows, fault{lastWords(main.Message), tell.Failure(main), "step " + next.Number() + ": " + next.Change})
		}
	}
	return html("errors", rows)
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
