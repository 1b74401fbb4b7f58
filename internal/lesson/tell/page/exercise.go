package page

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

//go:embed exercise.md
var exerciseText string

var exerciseTemplate = template.Must(template.New("exercise.md").Funcs(template.FuncMap{
	"next": func(i int) int { return i + 1 },
}).Parse(exerciseText))

// exercisePage is an exercise's README, from the table and its two Dockerfiles.
func exercisePage(e table.Exercise) (string, error) {
	broken, err := os.ReadFile(filepath.Join(e.Dir, "Dockerfile"))
	if err != nil {
		return "", err
	}
	diff, err := tell.DiffFiles(filepath.Join(e.Dir, "Dockerfile"), filepath.Join(e.Dir, table.Solution))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = exerciseTemplate.Execute(&out, struct {
		table.Exercise
		Broken, Diff string
	}{e, strings.TrimRight(string(broken), "\n"), strings.Join(diff, "\n")})
	return out.String(), err
}
