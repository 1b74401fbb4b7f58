package page

import (
	"fmt"
	"path/filepath"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// readOthers reads the lessons after the article, their record, and the records
// of every base.
func (from *source) readOthers(root, steps string) (err error) {
	beyond := filepath.Join(root, "beyond")
	if from.beyond, err = table.Load(beyond, from.steps...); err != nil {
		return err
	}
	if from.measured, err = record.Read(beyond, "article"); err != nil {
		return err
	}
	if from.bench, err = readBench(root); err != nil {
		return err
	}
	if from.looks, err = ReadLooks(root); err != nil {
		return err
	}
	if from.quoted, err = ReadQuoted(root); err != nil {
		return err
	}
	if from.engines, err = record.ReadAll(steps, "article"); err != nil {
		return err
	}
	catalog, err := base.Load(filepath.Join(root, "bases"))
	if err != nil {
		return err
	}
	for _, b := range catalog.All() {
		doc, err := record.Read(steps, b.ID)
		if err != nil {
			return err
		}
		if doc != nil {
			from.bases = append(from.bases, *doc)
		}
	}
	return nil
}

// matrix is the table of steps and bases, from the records.
func matrix(from source) (string, error) {
	head, rule := "| Step |", "|---|"
	for _, doc := range from.bases {
		head += fmt.Sprintf(" %s |", doc.Base.Name)
		rule += "---|"
	}
	text := head + "\n" + rule + "\n"
	for _, step := range from.steps {
		text += "| " + step.Name + " |"
		for _, doc := range from.bases {
			outcomes, err := recorded(&doc, step)
			if err != nil {
				return "", err
			}
			text += fmt.Sprintf(" %s; %s |", cell(tell.Row(outcomes)), imageSize(outcomes[len(outcomes)-1].Image))
		}
		text += "\n"
	}
	text += "\n"
	for _, doc := range from.bases {
		text += fmt.Sprintf("- **%s** was %s, with Go %s and %s, on %s with its %s builder.\n",
			doc.Base.Name, doc.Base.Said(), doc.Base.Go, doc.Base.Libc, doc.Engine.Said(), doc.Engine.Builder)
	}
	return text, nil
}

// tried is the table of the engines that have a record.
func tried(from source) (string, error) {
	text := "| Engine | Its builder, storage and runtime | The six steps |\n|---|---|---|\n"
	for _, doc := range from.engines {
		ended := "as in the article"
		if doc.Verdict != run.AsExpected {
			ended = doc.Verdict
		}
		text += fmt.Sprintf("| %s | %s, %s, %s | %s |\n", doc.Engine.Said(), doc.Engine.Builder, doc.Engine.Storage, doc.Engine.Runtime, ended)
	}
	return text, nil
}

// imageSize is what an image weighs; a build that is to fail makes none.
func imageSize(image *run.Image) string {
	if image == nil {
		return "no image"
	}
	return table.Size(image.Bytes).String()
}

// reasons tells, for each trait of a base, which steps it changes, to what, and why.
func reasons(from source) (string, error) {
	text := ""
	for _, trait := range table.Traits {
		var steps []string
		var difference table.Difference
		for _, step := range from.steps {
			if d, ok := step.On[trait]; ok {
				steps, difference = append(steps, step.Number()), d
			}
		}
		if len(steps) == 0 {
			continue
		}
		which := "step " + steps[0]
		if len(steps) > 1 {
			which = "steps " + steps[0] + " to " + steps[len(steps)-1]
		}
		e := difference.Expect
		end := "runs"
		if e.Outcome == table.Fails {
			end = fmt.Sprintf("fails in phase %s: %s", e.Phase, e.Cause)
			if missing := e.Missing.On("amd64"); missing != "" {
				end += " (on amd64 " + missing + ")"
			}
		}
		text += fmt.Sprintf("- **%s**, %s: %s. %s\n", trait, which, end, difference.Why)
	}
	return text, nil
}
