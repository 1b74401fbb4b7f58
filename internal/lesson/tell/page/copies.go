package page

import (
	"os"
	"path/filepath"
	"slices"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/lesson/table"
)

// appFiles are the same, byte for byte, in every step; the first step's are the original.
var appFiles = []string{"main.go", "main_test.go", "go.mod", "go.sum", ".dockerignore"}

// Copies lists the files that are copies of a file of step 1's: to each other step the
// app, but what is a step's own; to the workshop's start all of it with the Dockerfile;
// to each exercise the program alone. The paths are those from here.
func Copies(root string) (originals map[string]string, err error) {
	steps, err := table.Load(filepath.Join(root, "steps"))
	if err != nil {
		return nil, err
	}
	beyond, err := table.Load(filepath.Join(root, "beyond"), steps...)
	if err != nil {
		return nil, err
	}
	exercises, err := table.LoadExercises(filepath.Join(root, "workshop", "exercises"))
	if err != nil {
		return nil, err
	}
	originals = map[string]string{}
	to := func(dir string, names ...string) {
		for _, name := range names {
			originals[filepath.Join(dir, name)] = filepath.Join(steps[0].Dir, name)
		}
	}
	demos, err := table.Load(filepath.Join(root, "workshop", "demos"), steps...)
	if err != nil {
		return nil, err
	}
	today, err := table.Load(filepath.Join(root, "beyond", "today"), slices.Concat(steps, beyond)...)
	if err != nil {
		return nil, err
	}
	for _, step := range slices.Concat(steps[1:], beyond, demos, today) {
		if step.Context != step.Dir {
			continue
		}
		for _, name := range appFiles {
			if !slices.Contains(step.Own, name) {
				to(step.Dir, name)
			}
		}
	}
	to(filepath.Join(root, "workshop", "start"), append(slices.Clone(appFiles), "Dockerfile")...)
	last := steps[len(steps)-1].Dir
	for _, name := range []string{"passwd", "group"} { // there from the beginning: the last step's change compiles nothing anew
		originals[filepath.Join(root, "workshop", "start", name)] = filepath.Join(last, name)
	}
	for _, exercise := range exercises {
		if exercise.Context != exercise.Dir {
			continue
		}
		for _, name := range []string{"main.go", "go.mod", "go.sum", ".dockerignore"} {
			if !slices.Contains(exercise.Own, name) {
				to(exercise.Dir, name)
			}
		}
	}
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
