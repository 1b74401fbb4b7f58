package lesson

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// ExerciseTable is the file in a folder of exercises that says what is broken in each.
const ExerciseTable = "exercises.yaml"

// Solution is the name of an exercise's Dockerfile that solves it.
const Solution = "Dockerfile.solution"

// Exercise is a Dockerfile with one fault of real life, to be found and fixed.
type Exercise struct {
	Name  string `yaml:"exercise"` // the folder's, such as 01-quotes
	Title string `yaml:"title"`
	Goal  string `yaml:"goal"`  // of `check`: the one that is not met
	Cause string `yaml:"cause"` // proven: run's or the doctor's id; "" where the goal has none
	Says  string `yaml:"says"`  // what people see of it and search for
	Fix   string `yaml:"fix"`   // in a sentence

	Story string   `yaml:"story"` // what the learner is told
	Hints []string `yaml:"hints"` // one after the other, where to look

	Dir string `yaml:"-"` // the folder's path
}

// Number is an exercise's, as people say it: 3.
func (e Exercise) Number() string { return numberOf(e.Name) }

// LoadExercises reads the table in the folder dir.
func LoadExercises(dir string) ([]Exercise, error) {
	path := filepath.Join(dir, ExerciseTable)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("no table of exercises: %w", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var exercises []Exercise
	if err := decoder.Decode(&exercises); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range exercises {
		e := &exercises[i]
		e.Dir = filepath.Join(dir, e.Name)
		if !stepName.MatchString(e.Name) || e.Goal == "" || e.Title == "" || e.Fix == "" || e.Story == "" || len(e.Hints) == 0 {
			return nil, fmt.Errorf("%s: %q: an exercise has a name such as 01-quotes, a title, a goal, a fix, a story and hints", path, e.Name)
		}
	}
	return exercises, nil
}
