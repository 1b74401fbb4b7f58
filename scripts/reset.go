package main

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/program"
)

func resetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "reset NAME",
		Short:   "give an exercise, or start, back as it was",
		GroupID: "read",
		Args:    words(1, 1, "reset takes the name of an exercise, or start: reset 01-bin-sh"),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := findRepo()
			if err != nil {
				return err
			}
			folder, err := toReset(repo, args[0])
			if err != nil {
				return err
			}
			if err := bundle.Reset(cmd.Context(), repo.Root, folder); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), folder+" is as it was.")
			return nil
		},
	}
}

// toReset gives the folder that a word names: start, or an exercise by name, number or path.
func toReset(repo program.Repo, word string) (string, error) {
	exercises, err := table.LoadExercises(repo.Path("workshop/exercises"))
	if err != nil {
		return "", err
	}
	name := path.Base(filepath.ToSlash(word))
	if name == "start" {
		return "workshop/start", nil
	}
	for _, e := range exercises {
		if n, err := strconv.Atoi(name); name == e.Name || err == nil && strconv.Itoa(n) == e.Number() {
			return "workshop/exercises/" + e.Name, nil
		}
	}
	return "", usagef("no exercise %q; there are start, and 1 to %s, or a name such as %s", word, exercises[len(exercises)-1].Number(), exercises[0].Name)
}
