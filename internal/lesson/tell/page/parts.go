package page

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/screen"
)

//go:embed parts.md
var partsText string

// parts makes the generated parts of Markdown pages, each from a source.
var parts = template.Must(template.New("parts").Funcs(template.FuncMap{
	"recorded": recorded, "main": run.Main, "row": row, "size": screen.Size, "failure": tell.Happened,
	"figure": tell.Figure, "figures": tell.Figures, "join": strings.Join, "bases": record.OfBases, "took": took, "said": said,
	"backward": slices.Backward[[]table.Try], "diff": tell.Diff, "changes": tell.Changes,
	"traits": func() []table.Trait { return table.Traits }, "having": having, "numbers": numbers,
	"causes": doctor.Rows, "code": code,
	"list": func(o run.Outcome) []run.Outcome { return []run.Outcome{o} },
	"next": func(i int) int { return i + 1 },
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

// recorded is what happened at a step: at least one outcome, the last one its own Dockerfile's.
func recorded(doc *record.Run, step table.Step) ([]run.Outcome, error) {
	outcomes := doc.Of(step.Name)
	if len(outcomes) == 0 {
		return nil, fmt.Errorf("%s is not in the record", step.Name)
	}
	return outcomes, nil
}

// row puts a step's tries into a cell.
func row(outcomes []run.Outcome) string {
	return strings.NewReplacer("RUNS ", "runs ", "FAILS ", "fails ").Replace(tell.Row(outcomes))
}

// said is the last line of what the engine or the program said, or the one before it.
// What comes before the engine's own reason differs by version.
func said(o run.Outcome, before int) string {
	lines := strings.Split(strings.TrimSpace(record.Normalise(o.Message)), "\n")
	line := lines[max(0, len(lines)-1-before)]
	return strings.TrimSuffix(line[max(0, strings.Index(line, `exec: "`)):], ": unknown")
}

// took is how long a step takes a class the first time: from an empty build cache.
func took(cold *record.Run, step table.Step) (sum run.Seconds) {
	for _, o := range cold.Of(step.Name) {
		sum.Build, sum.Start = sum.Build+o.Seconds.Build, sum.Start+o.Seconds.Start
	}
	return run.Seconds{Build: math.Ceil(sum.Build), Start: math.Ceil(sum.Start)}
}

// having are the steps of which a trait of a base makes something else.
func having(trait table.Trait, steps []table.Step) []table.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s table.Step) bool { _, has := s.On[trait]; return !has })
}

func numbers(steps []table.Step) string {
	first, last := steps[0].Number(), steps[len(steps)-1].Number()
	if first == last {
		return "step " + first
	}
	return "steps " + first + " to " + last
}
