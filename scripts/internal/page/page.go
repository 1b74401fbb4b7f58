// Package page writes the parts of the repo's texts that come from its files and
// records: what stands between <!-- generated: NAME --> and <!-- end -->.
package page

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/scripts/internal/atomicfile"
	"optimizing-dockerfile/scripts/internal/bench"
	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/record"
)

// parts makes a generated part of a page from all that it may rest on.
var parts = map[string]func(source) (string, error){
	"steps":   stepsTable,
	"changes": changes,
	"output":  output,
	"size":    size,

	"exercises":  exercisesTable,
	"dockerfile": brokenDockerfile,
	"solution":   solution,
	"six-diffs":  sixDiffs,
	"errors":     errorsTable,
	"minutes":    minutes,
	"outcomes":   outcomes,

	"beyond":  beyondTable,
	"figure":  figure,
	"matrix":  matrix,
	"reasons": reasons,
	"bench":   benchPart,
}

// source is what a part is made from.
type source struct {
	steps  []lesson.Step
	record *record.Run
	step   lesson.Step // of a page in a step's folder

	beyond    []lesson.Step // the lessons after the article
	measured  *record.Run   // their record
	bases     []record.Run  // the records of every base, in the order of bases.yaml
	bench     *bench.Table  // the last figures of `make bench`; nil where there are none
	cold      *record.Run   // a run from an empty build cache, for how long it takes; nil where there is none
	exercises []lesson.Exercise
	exercise  lesson.Exercise // of a page in an exercise's folder
}

var marked = regexp.MustCompile(`(?s)<!-- generated: ([a-z-]+) -->\n.*?<!-- end -->`)

// Update writes every page of the repo at root whose generated parts are stale,
// and returns their paths.
func Update(root string) ([]string, error) { return each(root, true) }

// Stale returns the paths of the pages whose generated parts are not what the
// repo's files and records say.
func Stale(root string) ([]string, error) { return each(root, false) }

func each(root string, write bool) ([]string, error) {
	dir := filepath.Join(root, "steps")
	steps, err := lesson.Load(dir)
	if err != nil {
		return nil, err
	}
	from := source{steps: steps}
	if from.record, err = record.Read(dir, "article"); err != nil {
		return nil, err
	}
	if from.record == nil {
		return nil, fmt.Errorf("%s holds no record of the article's base yet: run all --record makes one", dir)
	}
	workshop := filepath.Join(root, "workshop")
	if from.exercises, err = lesson.LoadExercises(filepath.Join(workshop, "exercises")); err != nil {
		return nil, err
	}
	if from.cold, err = record.Read(workshop, "article"); err != nil {
		return nil, err
	}
	if err := from.readOthers(root, dir); err != nil {
		return nil, err
	}
	var stale []string
	for path, about := range pages(root, workshop, from) {
		was, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		from.step, from.exercise = about.step, about.exercise
		now, err := fill(strings.ReplaceAll(string(was), "\r\n", "\n"), from)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
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
	return stale, nil
}

// about is the step or the exercise that a page is about; of most pages, neither.
type about struct {
	step     lesson.Step
	exercise lesson.Exercise
}

// pages lists all texts with generated parts.
func pages(root, workshop string, from source) map[string]about {
	all := map[string]about{filepath.Join(root, "README.md"): {}}
	for _, name := range []string{"README.md", "handout.md", "exercises/README.md"} {
		all[filepath.Join(workshop, filepath.FromSlash(name))] = about{}
	}
	all[filepath.Join(root, "docs", "then-and-now.md")] = about{}
	all[filepath.Join(root, "docs", "performance.md")] = about{}
	all[filepath.Join(root, "beyond", "README.md")] = about{}
	for _, step := range append(slices.Clone(from.steps), from.beyond...) {
		all[filepath.Join(step.Dir, "README.md")] = about{step: step}
	}
	for _, exercise := range from.exercises {
		all[filepath.Join(exercise.Dir, "README.md")] = about{exercise: exercise}
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
