package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/lesson/tell/report"
)

func reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "report [FILE]",
		Short:   "write the lesson as one HTML page: to read, print, teach from",
		GroupID: "teach",
		Args:    words(0, 1, "report writes one file: report report.html; - is stdout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := append(args, "report.html")[0]
			repo, err := findRepo()
			if err != nil {
				return err
			}
			dir, _, err := loadSteps(repo, "")
			if err != nil {
				return err
			}
			page, err := report.Render(dir)
			if err != nil {
				return err
			}
			if file == "-" {
				_, err := cmd.OutOrStdout().Write(page)
				return err
			}
			if err := os.WriteFile(file, page, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s: open it in a browser; → shows the next beat.\n", file)
			return nil
		},
	}
}
