// Package page writes the parts of the repo's texts that come from its files and
// records: what stands between <!-- generated: NAME --> and <!-- end -->.
package page

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
)

// parts makes a generated part of a page from all that it may rest on.
var parts = map[string]func(source) (string, error){
	"steps":   stepsTable,
	"endings": outcomes,
	"changes": changes,
	"by-hand": byHand,
	"output":  output,
	"size":    size,

	"exercises": exercisesTable,
	"six-diffs": sixDiffs,
	"errors":    errorsTable,
	"minutes":   minutes,
	"outcomes":  outcomes,
	"demos":     demos,

	"beyond":  beyondTable,
	"figure":  figure,
	"matrix":  matrix,
	"tried":   tried,
	"reasons": reasons,
	"bench":   benchPart,

	"causes":     func(source) (string, error) { return doctor.CausesMarkdown(), nil },
	"kubernetes": kubernetes,
}

// source is what a part is made from.
type source struct {
	steps  []table.Step
	record *record.Run
	step   table.Step // of a page in a step's folder

	beyond    []table.Step // the lessons after the article
	measured  *record.Run  // their record
	engines   []record.Run // the records of the article's base, one an engine
	bases     []record.Run // the records of every base, in the order of bases.yaml
	bench     *Bench       // the last figures of `make bench`; nil where there are none
	cold      *record.Run  // a run from an empty build cache, for how long it takes; nil where there is none
	exercises []table.Exercise
	demos     []table.Step // a teacher's demonstrations
	shown     *record.Run  // their record
	looks     Looks        // what runtimes printed
	quoted    []Quoted     // what others print
}

var marked = regexp.MustCompile(`(?s)<!-- generated: ([a-z-]+) -->\n.*?<!-- end -->`)

// Update writes every page of the repo at root whose generated parts are stale, and
// every copy of step 1's app that is not like it; it returns their paths.
func Update(root string) ([]string, error) { return each(root, true) }

// Stale returns the paths of the pages whose generated parts are not what the
// repo's files and records say, and of the copies that differ from their originals.
func Stale(root string) ([]string, error) { return each(root, false) }

func each(root string, write bool) ([]string, error) {
	dir := filepath.Join(root, "steps")
	steps, err := table.Load(dir)
	if err != nil {
		return nil, err
	}
	from := source{steps: steps}
	if from.record, err = record.Read(dir, "article"); err != nil {
		return nil, err
	}
	if from.record == nil {
		return nil, fmt.Errorf("%s holds no record of the article's base yet: dev record makes one", dir)
	}
	workshop := filepath.Join(root, "workshop")
	if from.exercises, err = table.LoadExercises(filepath.Join(workshop, "exercises")); err != nil {
		return nil, err
	}
	if from.demos, err = table.Load(filepath.Join(workshop, "demos"), steps...); err != nil {
		return nil, err
	}
	if from.shown, err = record.Read(filepath.Join(workshop, "demos"), "article"); err != nil {
		return nil, err
	}
	if from.cold, err = record.Read(workshop, "article"); err != nil {
		return nil, err
	}
	if err := from.readOthers(root, dir); err != nil {
		return nil, err
	}
	stale, err := copies(root, write)
	if err != nil {
		return nil, err
	}
	for path, made := range pages(root, from) {
		was, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		now, err := made(strings.ReplaceAll(string(was), "\r\n", "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if now == "" { // no text is made of nothing
			return nil, fmt.Errorf("%s is missing", path)
		}
		if now == string(was) {
			continue
		}
		stale = append(stale, path)
		if write {
			if err := atomicfile.Write(path, []byte(now), root); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(stale)
	return stale, nil
}

// pages lists all texts that are written or have generated parts, and how each is
// made from what it was.
func pages(root string, from source) map[string]func(was string) (string, error) {
	all := map[string]func(string) (string, error){}
	filled := func(path string, step table.Step) {
		from := from
		from.step = step
		all[path] = func(was string) (string, error) { return fill(was, from) }
	}
	for _, name := range []string{
		"README.md", "docs/causes/README.md", "docs/kubernetes.md", "docs/then-and-now.md", "docs/performance.md", "beyond/README.md",
		"workshop/README.md", "workshop/handout.html", "workshop/exercises/README.md",
	} {
		filled(filepath.Join(root, filepath.FromSlash(name)), table.Step{})
	}
	for _, step := range append(slices.Clone(from.steps), from.beyond...) {
		filled(filepath.Join(step.Dir, "README.md"), step)
	}
	for _, c := range slices.Concat(doctor.Causes, doctor.Refusals) {
		all[filepath.Join(root, filepath.FromSlash(c.Page()))] = func(string) (string, error) { return from.causePage(c), nil }
	}
	for _, exercise := range from.exercises {
		all[filepath.Join(exercise.Dir, "README.md")] = func(string) (string, error) { return exercisePage(exercise) }
	}
	return all
}

// fill makes the marked parts of a page anew.
func fill(text string, from source) (filled string, err error) {
	filled = marked.ReplaceAllStringFunc(text, func(part string) string {
		name := marked.FindStringSubmatch(part)[1]
		make, ok := parts[name]
		if !ok {
			err = fmt.Errorf("there is no generated part %q", name)
			return part
		}
		made, failure := make(from)
		if failure != nil {
			err = failure
		}
		return "<!-- generated: " + name + " -->\n" + made + "<!-- end -->"
	})
	return filled, err
}
