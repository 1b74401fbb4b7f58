package page

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

//go:embed parts.md
var partsText string

// parts makes the generated parts of Markdown pages, each from a source.
var parts = template.Must(template.New("parts").Funcs(template.FuncMap{
	"recorded": recorded, "of": of, "main": mainOf, "list": func(o run.Outcome) []run.Outcome { return []run.Outcome{o} },
	"row": row, "weight": weight, "size": func(bytes int64) table.Size { return table.Size(bytes) },
	"reversed": reversed, "diff": diff, "took": took, "seen": seen, "reasons": reasons,
	"figure": tell.Figure, "figures": figures, "seconds": seconds, "ratio": ratio,
	"changed": changed, "faults": faults, "causes": doctor.CausesMarkdown, "code": code,
	"percent": func(parts []float64) string { return fmt.Sprintf("%.1f", 100*Median(parts)) },
	"text":    text, "solution": solution, "next": func(i int) int { return i + 1 },
}).Parse(partsText))

// part makes one, by its name.
func part(name string, from any) (string, error) {
	if parts.Lookup(name) == nil {
		return "", fmt.Errorf("there is no generated part %q", name)
	}
	var out strings.Builder
	err := parts.ExecuteTemplate(&out, name, from)
	return out.String(), err
}

// of gives what a record, which may be missing, has of a step.
func of(doc *record.Run, step table.Step) []run.Outcome {
	if doc == nil {
		return nil
	}
	return doc.Of(step.Name)
}

// recorded is what happened at a step: at least one outcome, the last one its own Dockerfile's.
func recorded(doc *record.Run, step table.Step) ([]run.Outcome, error) {
	outcomes := of(doc, step)
	if len(outcomes) == 0 {
		return nil, fmt.Errorf("%s is not in the record", step.Name)
	}
	return outcomes, nil
}

func mainOf(outcomes []run.Outcome) run.Outcome { return outcomes[len(outcomes)-1] }

// row puts a step's tries into a cell.
func row(outcomes []run.Outcome) string {
	text := strings.Join(strings.Fields(tell.Row(outcomes)), " ")
	for _, word := range []string{"RUNS", "FAILS"} {
		text = strings.Replace(text, word, strings.ToLower(word), 1)
	}
	return text
}

// weight is how large an image is; a build that is to fail makes none.
func weight(o run.Outcome) string {
	if o.Image == nil {
		return "no image"
	}
	return table.Size(o.Image.Bytes).String()
}

func reversed(tries []table.Try) []table.Try {
	tries = slices.Clone(tries)
	slices.Reverse(tries)
	return tries
}

// diff is that of a step's Dockerfile to the step that it changes.
func diff(from source, dockerfile string) (string, error) {
	lines, err := tell.Diff(slices.Concat(from.Steps, from.Beyond), from.Step, dockerfile)
	return strings.Join(lines, "\n"), err
}

// changed are the lines that a step changes in the Dockerfile, and nothing of what stays.
func changed(from source, step table.Step) ([]string, error) {
	lines, err := tell.Diff(from.Steps, step, step.Main().Dockerfile)
	return tell.Changes(lines), err
}

// text is what stands in a file.
func text(dir, name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimRight(string(content), "\n"), err
}

// fault is error, cause and fix of a step that fails.
type fault struct{ Says, Cause, Fix string }

// faults are those of the steps. The exercises are for their finders: nothing of them is here.
func faults(from source) (all []fault, err error) {
	for i, step := range from.Steps[:len(from.Steps)-1] {
		outcomes, err := recorded(from.Record, step)
		if err != nil {
			return nil, err
		}
		if main := mainOf(outcomes); main.Outcome == table.Fails {
			next := from.Steps[i+1]
			all = append(all, fault{lastWords(main.Message), tell.Failure(main), "step " + next.Number() + ": " + next.Change})
		}
	}
	return all, nil
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

// took is how long a step takes a class the first time: from an empty build cache.
func took(cold *record.Run, step table.Step) (sum run.Seconds, err error) {
	if cold == nil {
		return sum, errors.New("workshop/records holds no run from an empty build cache: `run all --json` right after `clean` and " +
			"`base` makes one")
	}
	for _, o := range cold.Of(step.Name) {
		sum.Build, sum.Start = sum.Build+o.Seconds.Build, sum.Start+o.Seconds.Start
	}
	return run.Seconds{Build: math.Ceil(sum.Build), Start: math.Ceil(sum.Start)}, nil
}

// seen is what a demonstration prints at last, and its image.
func seen(o run.Outcome) string {
	lines := strings.Split(strings.TrimSpace(record.Normalise(o.Message)), "\n")
	if o.Image == nil { // the last line is the builder's own
		return lines[max(0, len(lines)-2)]
	}
	return lines[len(lines)-1] + "`; the image has `" + weight(o)
}

// figures is what a lesson after the article measured, with all of its Dockerfiles.
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
	return text
}

// solution is what solves an exercise, as a diff's lines.
func solution(e table.Exercise) (string, error) {
	_, err := e.Solved()
	return e.Solution, err
}

// reason is what a trait of a base makes of some steps.
type reason struct {
	Trait table.Trait
	Which string // of the steps
	table.Difference
}

func reasons(steps []table.Step) (all []reason) {
	for _, trait := range table.Traits {
		var numbers []string
		var difference table.Difference
		for _, step := range steps {
			if d, ok := step.On[trait]; ok {
				numbers, difference = append(numbers, step.Number()), d
			}
		}
		switch len(numbers) {
		case 0:
		case 1:
			all = append(all, reason{trait, "step " + numbers[0], difference})
		default:
			all = append(all, reason{trait, "steps " + numbers[0] + " to " + numbers[len(numbers)-1], difference})
		}
	}
	return all
}
