package table

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/yamlfile"
)

// ExerciseTable is the file in a folder of exercises that says what is broken in each.
const ExerciseTable = "exercises.yaml"

// Exercise is a Dockerfile with one fault of real life, to be found and fixed.
type Exercise struct {
	Name  string       `yaml:"exercise"` // the folder's, such as 01-bin-sh
	Title string       `yaml:"title"`
	Goal  string       `yaml:"goal"`  // of `check`: the one that is not met
	Cause doctor.Cause `yaml:"cause"` // proven: run's or the doctor's id; "" where the goal has none
	Says  string       `yaml:"says"`  // what people see of it and search for
	Fix   string       `yaml:"fix"`   // in a sentence

	Solution string `yaml:"solution"` // a diff's lines, of what the fix changes in the Dockerfile

	Story   string   `yaml:"story"`   // what the learner is told
	Context string   `yaml:"context"` // the folder that it is built from, seen from the table's; "" is ../start
	Hints   []string `yaml:"hints"`   // one after the other, where to look

	Dir string `yaml:"-"` // the folder's path
}

// Solved is the exercise's Dockerfile as its solution changes it.
func (e Exercise) Solved() (string, error) {
	text, err := os.ReadFile(filepath.Join(e.Dir, "Dockerfile"))
	if err != nil {
		return "", err
	}
	broken := strings.ReplaceAll(string(text), "\r\n", "\n")
	var was, is string
	for line := range strings.Lines(e.Solution) {
		if line[0] != '+' {
			was += line[1:]
		}
		if line[0] != '-' {
			is += line[1:]
		}
	}
	if strings.Count(broken, was) != 1 {
		return "", fmt.Errorf("the solution of %s does not fit its Dockerfile", e.Name)
	}
	return strings.Replace(broken, was, is, 1), nil
}

// Number is an exercise's, as people say it: 3.
func (e Exercise) Number() string { return numberOf(e.Name) }

// ExerciseAt gives the exercise whose folder dir is; false where it is none's, such as a learner's own.
func ExerciseAt(dir string) (Exercise, bool) {
	dir, _ = filepath.Abs(dir)
	exercises, _ := LoadExercises(filepath.Dir(dir))
	i := slices.IndexFunc(exercises, func(e Exercise) bool { return e.Name == filepath.Base(dir) })
	if i < 0 {
		return Exercise{}, false
	}
	return exercises[i], true
}

// LoadExercises reads the table in the folder dir.
func LoadExercises(dir string) ([]Exercise, error) {
	return yamlfile.Table(filepath.Join(dir, ExerciseTable), func(e *Exercise) (name string, err error) {
		e.Dir = filepath.Join(dir, e.Name)
		e.Context = filepath.Join(dir, cmp.Or(e.Context, "../start"))
		words := []string{e.Goal, e.Title, e.Fix, e.Solution, e.Story}
		if !stepName.MatchString(e.Name) || slices.Contains(words, "") || len(e.Hints) == 0 {
			err = fmt.Errorf("%q: an exercise has a name such as 01-bin-sh, a title, a goal, a fix, a solution, a story and hints", e.Name)
		}
		return e.Name, err
	})
}
