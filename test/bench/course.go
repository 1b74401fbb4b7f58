package main

import (
	"crypto/rand"
	"os"
	"path/filepath"

	"optimizing-dockerfile/internal/lesson/table"
)

// Course is a copy of the steps whose program no build has seen before.
type Course struct {
	Dir   string
	Steps []table.Step
}

// Fresh copies steps into dir; ignore keeps their .dockerignore, which the
// article has none of.
func Fresh(steps []table.Step, dir string, ignore bool) (Course, error) {
	c := Course{Dir: dir}
	change := "\n// " + rand.Text() + "\n"
	for _, step := range steps {
		to := filepath.Join(dir, step.Name)
		if err := os.CopyFS(to, os.DirFS(step.Dir)); err != nil {
			return c, err
		}
		if !ignore {
			if err := os.Remove(filepath.Join(to, ".dockerignore")); err != nil {
				return c, err
			}
		}
		main := filepath.Join(to, "main.go")
		text, err := os.ReadFile(main)
		if err != nil {
			return c, err
		}
		if err := os.WriteFile(main, append(text, change...), 0o644); err != nil {
			return c, err
		}
		step.Dir = to
		c.Steps = append(c.Steps, step)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(steps[0].Dir), table.Table))
	if err != nil {
		return c, err
	}
	return c, os.WriteFile(filepath.Join(dir, table.Table), text, 0o644)
}
