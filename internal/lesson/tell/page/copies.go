package page

import (
	"os"
	"path/filepath"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/lesson/table"
)

// Copies lists the files that are copies of another: the app in each step after the first
// and, with the Dockerfile and step 6's accounts, in the workshop's start. The paths are those from here.
func Copies(root string) (originals map[string]string, err error) {
	steps, err := table.Load(filepath.Join(root, "steps"))
	if err != nil {
		return nil, err
	}
	originals = map[string]string{}
	copied := func(to string, from table.Step, names ...string) {
		for _, name := range names {
			originals[filepath.Join(to, name)] = filepath.Join(from.Dir, name)
		}
	}
	for _, step := range steps[1:] {
		copied(step.Dir, steps[0], "main.go", "main_test.go", "go.mod", "go.sum", ".dockerignore")
	}
	start := filepath.Join(root, "workshop", "start")
	copied(start, steps[0], "main.go", "go.mod", "go.sum", ".dockerignore", "Dockerfile")
	copied(start, steps[len(steps)-1], "passwd", "group") // there from the beginning: the last step's change compiles nothing anew
	return originals, nil
}

// copies gives the paths of the copies that are not what their originals are, and
// writes them anew if that is asked for.
func copies(root string, write bool) (stale []string, err error) {
	originals, err := Copies(root)
	if err != nil {
		return nil, err
	}
	for path, original := range originals {
		want, err := os.ReadFile(original)
		if err != nil {
			return nil, err
		}
		if have, err := os.ReadFile(path); err == nil && string(have) == string(want) {
			continue
		}
		stale = append(stale, path)
		if write {
			if err := atomicfile.Write(path, want, root); err != nil {
				return nil, err
			}
		}
	}
	return stale, nil
}
