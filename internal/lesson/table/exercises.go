package table

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/yamlfile"
)

// ExerciseTable is the file in a folder of exercises that says what is broken in each.
const ExerciseTable = "exercises.yaml"

// Exercise is a Dockerfile with one fault of real life, to be found and fixed.
type Exercise struct {
	Name  string `yaml:"exercise"` // the folder's, such as 01-bin-sh
	Title string `yaml:"title"`
	Goal  string `yaml:"goal"`  // of `check`: the one that is not met
	Cause string `yaml:"cause"` // proven: run's or the doctor's id; "" where the goal has none
	Says  string `yaml:"says"`  // what people see of it and search for
	Fix   string `yaml:"fix"`   // in a sentence

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
		e.Context = filepath.Join(dir, cmp.Or(e.Context, "../start"))
		words := []string{e.Goal, e.Title, e.Fix, e.Solution, e.Story}
		if !stepName.MatchString(e.Name) || slices.Contains(words, "") || len(e.Hints) == 0 {
			return nil, file.Wrong(fmt.Errorf("%q: an exercise has a name such as 01-bin-sh, "+
				"a title, a goal, a fix, a solution, a story and hints", e.Name), i)
		}
		if seen[e.Name] {
			return nil, file.Wrong(fmt.Errorf("exercise %s is there twice", e.Name), i)
		}
		seen[e.Name] = true
	}
	return exercises, nil
}
