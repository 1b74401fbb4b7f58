package page

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/story"
)

//go:embed exercise.md
var exerciseText string

var exerciseTemplate = template.Must(template.New("exercise.md").Funcs(template.FuncMap{
	"next": func(i int) int { return i + 1 },
}).Parse(exerciseText))

// exercisePage is an exercise's README, from the table and its two Dockerfiles.
func exercisePage(e lesson.Exercise) (string, error) {
	broken, err := os.ReadFile(filepath.Join(e.Dir, "Dockerfile"))
	if err != nil {
		return "", err
	}
	diff, err := story.DiffFiles(filepath.Join(e.Dir, "Dockerfile"), filepath.Join(e.Dir, lesson.Solution))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = exerciseTemplate.Execute(&out, struct {
		lesson.Exercise
		Broken, Diff string
	}{e, strings.TrimRight(string(broken), "\n"), strings.Join(diff, "\n")})
	return out.String(), err
}
