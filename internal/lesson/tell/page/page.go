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
	Root   string
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

func each(root string, write bool) (stale []string, err error) {
	from, err := read(root)
	if err != nil {
		return nil, err
	}
	all := from.pages()
	for path, original := range from.copies() {
		all[path] = func(string) (string, error) {
			text, err := os.ReadFile(original)
			return string(text), err
		}
	}
	for path, made := range all {
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
	from.Root = root
	load := func(way string, earlier ...[]table.Step) (steps []table.Step) {
		if err == nil {
			steps, err = table.Load(from.at(way), slices.Concat(earlier...)...)
		}
		return steps
	}
	recorded := func(way, base string) (doc *record.Run) {
		if err == nil {
			doc, err = record.Read(from.at(way), base)
		}
		return doc
	}
	from.Steps = load("steps")
	from.Beyond = load("beyond", from.Steps)
	if err == nil {
		from.Exercises, err = table.LoadExercises(from.at("workshop/exercises"))
	}
	from.Demos = load("workshop/demos", from.Steps)
	from.Record, from.Measured = recorded("steps", "article"), recorded("beyond", "article")
	from.Cold, from.Shown = recorded("workshop", "article"), recorded("workshop/demos", "article")
	if err == nil && from.Record == nil {
		err = fmt.Errorf("%s holds no record of the article's base yet: dev record makes one", from.at("steps"))
	}
	if err == nil {
		from.Bench, err = record.ReadDocument[Bench](from.at(BenchRecord))
	}
	if err == nil {
		from.Looks, err = ReadLooks(root)
	}
	if err == nil {
		from.Quoted, err = ReadQuoted(root)
	}
	if err == nil {
		from.Engines, err = record.ReadAll(from.at("steps"), "article")
	}
	if err != nil {
		return from, err
	}
	catalog, err := base.Load(from.at("bases"))
	if err != nil {
		return from, err
	}
	for _, b := range catalog {
		if doc := recorded("steps", b.ID); doc != nil {
			from.Bases = append(from.Bases, doc)
		}
	}
	return from, err
}

// at is the path of what lies in the repo.
func (from source) at(way string) string { return filepath.Join(from.Root, filepath.FromSlash(way)) }

// pages lists all texts that are written or have generated parts, and how each is
// made from what it was.
func (from source) pages() map[string]func(was string) (string, error) {
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
		filled(from.at(name), table.Step{})
	}
	for _, step := range append(slices.Clone(from.Steps), from.Beyond...) {
		filled(filepath.Join(step.Dir, "README.md"), step)
	}
	for _, c := range slices.Concat(doctor.Causes, doctor.Refusals) {
		all[from.at(c.Page())] = func(string) (string, error) { return part("cause", cause{c, from}) }
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

// Copies lists the files of the repo at root that are copies of another.
func Copies(root string) (originals map[string]string, err error) {
	from, err := read(root)
	if err != nil {
		return nil, err
	}
	return from.copies(), nil
}

// copies lists them: the app in each step after the first and, with the Dockerfile and step 6's
// accounts, in the workshop's start.
func (from source) copies() map[string]string {
	originals := map[string]string{}
	copied := func(to string, from table.Step, names ...string) {
		for _, name := range names {
			originals[filepath.Join(to, name)] = filepath.Join(from.Dir, name)
		}
	}
	first, last, start := from.Steps[0], from.Steps[len(from.Steps)-1], from.at("workshop/start")
	for _, step := range from.Steps[1:] {
		copied(step.Dir, first, "main.go", "main_test.go", "go.mod", "go.sum", ".dockerignore")
	}
	copied(start, first, "main.go", "go.mod", "go.sum", ".dockerignore", "Dockerfile")
	copied(start, last, "passwd", "group") // there from the beginning: the last step's change compiles nothing anew
	return originals
}
