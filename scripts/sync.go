package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/page"
)

// appFiles are the same, byte for byte, in every step; the first step's are the original.
var appFiles = []string{"main.go", "main_test.go", "go.mod", "go.sum", ".dockerignore"}

func syncCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "sync",
		Short:   "copy step 1's app to the other steps, and write the generated parts of the texts",
		GroupID: "maintain",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, steps, err := loadSteps("")
			if err != nil {
				return err
			}
			if err := copyApp(steps); err != nil {
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

func copyApp(steps []lesson.Step) error {
	for _, name := range appFiles {
		original, err := os.ReadFile(filepath.Join(steps[0].Dir, name))
		if err != nil {
			return err
		}
		for _, step := range steps[1:] {
			if err := os.WriteFile(filepath.Join(step.Dir, name), original, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
