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
	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/table"
)

// source is what a part is made from.
type source struct {
	Steps  []table.Step
	Record *record.Run
	Step   table.Step // of a page in a step's folder

	Beyond    []table.Step  // the lessons after the article
	Measured  *record.Run   // their record
	Engines   []record.Run  // the records of the article's base, one an engine
	Bases     []*record.Run // the records of every base, in the order of bases.yaml
	Bench     *Bench        // the last figures of `make bench`; nil where there are none
	Cold      *record.Run   // a run from an empty build cache, for how long it takes; nil where there is none
	Exercises []table.Exercise
	Demos     []table.Step // a teacher's demonstrations
	Shown     *record.Run  // their record
	Looks     Looks        // what runtimes printed
	Quoted    []Quoted     // what others print
}

var marked = regexp.MustCompile(`(?s)<!-- generated: ([a-z-]+) -->\n.*?<!-- end -->`)

// Update writes every page of the repo at root whose generated parts are stale, and
// every copy of step 1's app that is not like it; it returns their paths.
func Update(root string) ([]string, error) { return each(root, true) }

// Stale returns the paths of the pages whose generated parts are not what the
// repo's files and records say, and of the copies that differ from their originals.
func Stale(root string) ([]string, error) { return each(root, false) }

func each(root string, write bool) ([]string, error) {
	from, err := read(root)
	if err != nil {
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

// read reads all that the parts may rest on.
func read(root string) (from source, err error) {
	dir, workshop, beyond := filepath.Join(root, "steps"), filepath.Join(root, "workshop"), filepath.Join(root, "beyond")
	if from.Steps, err = table.Load(dir); err != nil {
		return from, err
	}
	if from.Exercises, err = table.LoadExercises(filepath.Join(workshop, "exercises")); err != nil {
		return from, err
	}
	for folder, steps := range map[string]*[]table.Step{beyond: &from.Beyond, filepath.Join(workshop, "demos"): &from.Demos} {
		if *steps, err = table.Load(folder, from.Steps...); err != nil {
			return from, err
		}
	}
	for folder, doc := range map[string]**record.Run{
		dir: &from.Record, beyond: &from.Measured, workshop: &from.Cold, filepath.Join(workshop, "demos"): &from.Shown,
	} {
		if *doc, err = record.Read(folder, "article"); err != nil {
			return from, err
		}
	}
	if from.Record == nil {
		return from, fmt.Errorf("%s holds no record of the article's base yet: dev record makes one", dir)
	}
	if from.Bench, err = readBench(root); err != nil {
		return from, err
	}
	if from.Looks, err = ReadLooks(root); err != nil {
		return from, err
	}
	if from.Quoted, err = ReadQuoted(root); err != nil {
		return from, err
	}
	if from.Engines, err = record.ReadAll(dir, "article"); err != nil {
		return from, err
	}
	catalog, err := base.Load(filepath.Join(root, "bases"))
	if err != nil {
		return from, err
	}
	for _, b := range catalog.All() {
		doc, err := record.Read(dir, b.ID)
		if err != nil {
			return from, err
		}
		if doc != nil {
			from.Bases = append(from.Bases, doc)
		}
	}
	return from, nil
}

// pages lists all texts that are written or have generated parts, and how each is
// made from what it was.
func pages(root string, from source) map[string]func(was string) (string, error) {
	all := map[string]func(string) (string, error){}
	filled := func(path string, step table.Step) {
		from := from
		from.Step = step
		all[path] = func(was string) (string, error) { return fill(was, from) }
	}
	for _, name := range []string{
		"README.md", "docs/causes/README.md", "docs/kubernetes.md", "docs/then-and-now.md", "docs/performance.md", "beyond/README.md",
		"workshop/README.md", "workshop/handout.html", "workshop/exercises/README.md",
	} {
		filled(filepath.Join(root, filepath.FromSlash(name)), table.Step{})
	}
	for _, step := range append(slices.Clone(from.Steps), from.Beyond...) {
		filled(filepath.Join(step.Dir, "README.md"), step)
	}
	for _, c := range slices.Concat(doctor.Causes, doctor.Refusals) {
		all[filepath.Join(root, filepath.FromSlash(c.Page()))] = func(string) (string, error) { return from.causePage(c), nil }
	}
	return all
}

// fill makes the marked parts of a page anew.
func fill(text string, from source) (filled string, err error) {
	filled = marked.ReplaceAllStringFunc(text, func(was string) string {
		name := marked.FindStringSubmatch(was)[1]
		made, failure := part(name, from)
		err = errors.Join(err, failure)
		return "<!-- generated: " + name + " -->\n" + made + "<!-- end -->"
	})
	return filled, err
}
