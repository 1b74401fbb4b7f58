package main

import (
	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/lesson/tell"
)

func diffCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "diff STEP",
		Short:   "show what a step's Dockerfile changes",
		GroupID: "read",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := courseOf(dir, args)
			if err != nil {
				return err
			}
			if len(c.words) != 1 {
				return usagef("diff shows one step: diff 3")
			}
			asked, err := chosen(c.own, c.words)
			if err != nil {
				return err
			}
			if len(asked) != 1 {
				return usagef("diff shows one step: diff 3")
			}
			step, out := asked[0], tell.NewTerminal(cmd.OutOrStdout())
			for _, try := range step.Tries {
				if len(step.Tries) > 1 {
					out.Heading(try.Dockerfile)
				}
				lines, err := tell.Diff(c.all, step, try.Dockerfile)
				if err != nil {
					return err
				}
				out.ShowDiff(lines)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "steps", "", "the folder of steps (default: the repo's)")
	return cmd
}
