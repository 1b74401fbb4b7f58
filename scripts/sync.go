package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/page"
)

// appFiles are the same, byte for byte, in every step; the first step's are the original.
var appFiles = []string{"main.go", "main_test.go", "go.mod", "go.sum", ".dockerignore"}

func syncCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "sync",
		Short:   "copy step 1's app to the other steps and the workshop, and write the generated parts of the texts",
		GroupID: "maintain",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, steps, err := loadSteps("")
			if err != nil {
				return err
			}
			beyond, err := lesson.Load(after, steps...)
			if err != nil {
				return usageError{err}
			}
			if err := copyApp(append(steps, beyond...)); err != nil {
				return err
			}
			if err := copyToWorkshop(steps[0]); err != nil {
				return err
			}
			written, err := page.Update(".")
			for _, path := range written {
				fmt.Fprintln(cmd.OutOrStdout(), "wrote", path)
			}
			return err
		},
	}
}

// Where the workshop has the app, too.
const (
	startDir     = "workshop/start"
	exercisesDir = "workshop/exercises"
)

// workshopFiles gives what is copied from step 1 to the workshop, by its path
// there: all of it to the start, to each exercise the program alone.
func workshopFiles() (map[string]string, error) {
	files := map[string]string{startDir + "/Dockerfile": "Dockerfile"}
	for _, name := range appFiles {
		files[startDir+"/"+name] = name
	}
	exercises, err := lesson.LoadExercises(exercisesDir)
	if err != nil {
		return nil, usageError{err}
	}
	for _, exercise := range exercises {
		for _, name := range []string{"main.go", "go.mod", "go.sum", ".dockerignore"} {
			files[filepath.ToSlash(filepath.Join(exercise.Dir, name))] = name
		}
	}
	return files, nil
}

func copyToWorkshop(original lesson.Step) error {
	files, err := workshopFiles()
	if err != nil {
		return err
	}
	for path, name := range files {
		text, err := os.ReadFile(filepath.Join(original.Dir, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func copyApp(steps []lesson.Step) error {
	for _, name := range appFiles {
		original, err := os.ReadFile(filepath.Join(steps[0].Dir, name))
		if err != nil {
			return err
		}
		for _, step := range steps[1:] {
			if slices.Contains(step.Own, name) {
				continue
			}
			if err := os.WriteFile(filepath.Join(step.Dir, name), original, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
