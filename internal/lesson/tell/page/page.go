// Package page writes the parts of the repo's texts that come from its files and
// records: what stands between <!-- generated: NAME --> and <!-- end -->.
package page

import (
	"cmp"
	"errors"
	"maps"
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

// source is what a part is made from.
type source struct {
	Steps, Beyond []table.Step // the article's, and the lessons after it
	Step          table.Step   // of a page in a step's folder
	Cause         doctor.Cause // of a page of its own
	Records       []record.Run // of the article's, the first on its base
	Measured      *record.Run  // of the lessons after it
	Cold          *record.Run  // from an empty build cache, for how long it takes
	Exercises     []table.Exercise
	Demos         []table.Step // a teacher's demonstrations
	Shown         *record.Run  // their record
	Looks         Looks        // what runtimes print
}

// read reads all that the parts may rest on.
func read(root string) (from source, err error) {
	at := func(way string) string { return filepath.Join(root, filepath.FromSlash(way)) }
	into(&from.Steps, &err)(table.Load(at("steps")))
	into(&from.Beyond, &err)(table.Load(at("beyond"), from.Steps...))
	into(&from.Exercises, &err)(table.LoadExercises(at("workshop/exercises")))
	into(&from.Demos, &err)(table.Load(at("workshop/demos"), from.Steps...))
	into(&from.Measured, &err)(record.Read(at("beyond"), "article"))
	into(&from.Cold, &err)(record.Read(at("workshop"), "article"))
	into(&from.Shown, &err)(record.Read(at("workshop/demos"), "article"))
	into(&from.Looks, &err)(ReadLooks(root))
	into(&from.Records, &err)(record.ReadAll(at("steps")))
	return from, err
}

// Record is the one of the article's steps on its base.
func (from source) Record() *record.Run { return &from.Records[0] }

// All are the steps that a page of a step's folder may be held against.
func (from source) All() []table.Step { return slices.Concat(from.Steps, from.Beyond) }

// into keeps what was read, and the first error.
func into[T any](place *T, first *error) func(T, error) {
	return func(read T, err error) { *place, *first = read, cmp.Or(*first, err) }
}

// Make gives the texts of the repo at root that are generated, wholly or in parts, and the
// files that are copies of another, each by its path.
func Make(root string) (map[string]string, error) {
	from, err := read(root)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	put := func(path string) func(string, error) {
		return func(text string, failed error) { texts[path], err = text, errors.Join(err, failed) }
	}
	for _, name := range []string{ // those that lie in no step's folder
		"README.md", "docs/causes/README.md", "docs/kubernetes.md", "docs/then-and-now.md", "beyond/README.md",
		"workshop/README.md", "workshop/handout.html", "workshop/exercises/README.md",
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		put(path)(from.fill(path))
	}
	for _, from.Step = range from.All() {
		path := filepath.Join(from.Step.Dir, "README.md")
		put(path)(from.fill(path))
	}
	for _, step := range from.Steps {
		texts[filepath.Join(step.Dir, "output.txt")] = strings.Join(from.Record().Transcripts(step.Name), "\n\n") + "\n"
	}
	for _, r := range doctor.Rows() {
		from.Cause = r.Cause
		put(filepath.Join(root, filepath.FromSlash(r.Cause.Page())))(part("cause", from))
	}
	for path, original := range copies(from.Steps, filepath.Join(root, "workshop", "start")) {
		text, failed := os.ReadFile(original)
		put(path)(string(text), failed)
	}
	return texts, err
}

// Update writes all that is not as Make gives it, and returns the paths.
func Update(root string) (written []string, err error) {
	texts, err := Make(root)
	if err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		if was, err := os.ReadFile(path); err == nil && string(was) == texts[path] {
			continue
		}
		if err := atomicfile.Write(path, []byte(texts[path]), root); err != nil {
			return written, err
		}
		written = append(written, path)
	}
	return written, nil
}

var marked = regexp.MustCompile(`(?s)(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)`)

// fill makes the marked parts of a page anew.
func (from source) fill(path string) (filled string, err error) {
	page, err := os.ReadFile(path)
	filled = marked.ReplaceAllStringFunc(strings.ReplaceAll(string(page), "\r\n", "\n"), func(was string) string {
		around := marked.FindStringSubmatch(was)
		made, failed := part(around[2], from)
		err = errors.Join(err, failed)
		return around[1] + made + around[3]
	})
	return filled, err
}

// copies lists the files that are copies of another: the app in each step after the first and, with the
// Dockerfile and step 6's accounts, in the workshop's start.
func copies(steps []table.Step, start string) map[string]string {
	originals := map[string]string{}
	copied := func(to string, from table.Step, names ...string) {
		for _, name := range names {
			originals[filepath.Join(to, name)] = filepath.Join(from.Dir, name)
		}
	}
	for _, step := range steps[1:] {
		copied(step.Dir, steps[0], "main.go", "main_test.go", "go.mod", "go.sum", ".dockerignore")
	}
	copied(start, steps[0], "main.go", "go.mod", "go.sum", ".dockerignore", "Dockerfile")
	copied(start, steps[len(steps)-1], "passwd", "group") // there from the beginning: the last step's change compiles nothing anew
	return originals
}
