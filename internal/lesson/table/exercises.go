package table

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"optimizing-dockerfile/internal/yamlfile"
)

// ExerciseTable is the file in a folder of exercises that says what is broken in each.
const ExerciseTable = "exercises.yaml"

// Solution is the name of an exercise's Dockerfile that solves it.
const Solution = "Dockerfile.solution"

// Exercise is a Dockerfile with one fault of real life, to be found and fixed.
type Exercise struct {
	Name  string `yaml:"exercise"` // the folder's, such as 01-bin-sh
	Title string `yaml:"title"`
	Goal  string `yaml:"goal"`  // of `check`: the one that is not met
	Cause string `yaml:"cause"` // proven: run's or the doctor's id; "" where the goal has none
	Says  string `yaml:"says"`  // what people see of it and search for
	Fix   string `yaml:"fix"`   // in a sentence

	Story string   `yaml:"story"` // what the learner is told
	Own   []string `yaml:"own"`   // files of the app that differ from the first step's; without any it is built from start
	Hints []string `yaml:"hints"` // one after the other, where to look

	Dir     string `yaml:"-"` // the folder's path
	Context string `yaml:"-"` // that of the folder that it is built from
}

// Number is an exercise's, as people say it: 3.
func (e Exercise) Number() string { return numberOf(e.Name) }

// ExerciseAt gives the exercise whose folder dir is; false where it is none's.
func ExerciseAt(dir string) (Exercise, bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Exercise{}, false
	}
	exercises, err := LoadExercises(filepath.Dir(dir))
	if err != nil { // a learner's own folder
		return Exercise{}, false
	}
	for _, e := range exercises {
		if e.Name == filepath.Base(dir) {
			return e, true
		}
	}
	return Exercise{}, false
}

// LoadExercises reads the table in the folder dir.
func LoadExercises(dir string) ([]Exercise, error) {
	var exercises []Exercise
	file, err := yamlfile.Read(filepath.Join(dir, ExerciseTable), &exercises)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no table of exercises: %w", err)
	}
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range exercises {
		e := &exercises[i]
		e.Dir = filepath.Join(dir, e.Name)
		if e.Context = e.Dir; len(e.Own) == 0 {
			e.Context = filepath.Join(dir, "..", "start")
		}
		if !stepName.MatchString(e.Name) || e.Goal == "" || e.Title == "" || e.Fix == "" || e.Story == "" || len(e.Hints) == 0 {
			return nil, file.Wrong(fmt.Errorf("%q: an exercise has a name such as 01-bin-sh, title, goal, fix, story and hints", e.Name), i)
		}
		if seen[e.Name] {
			return nil, file.Wrong(fmt.Errorf("exercise %s is there twice", e.Name), i)
		}
		seen[e.Name] = true
	}
	return exercises, nil
}
