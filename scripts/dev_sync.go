package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/lesson/tell/page"
)

func syncCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sync",
		Short: "copy step 1's app to the other steps and the workshop, and write the generated parts of the texts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := findRepo()
			if err != nil {
				return err
			}
			if _, err := page.Copies(repo.Root); err != nil {
				return usageError{err}
			}
			written, err := page.Update(repo.Root)
			for _, path := range written {
				fmt.Fprintln(cmd.OutOrStdout(), "wrote", path)
			}
			return err
		},
	}
}
