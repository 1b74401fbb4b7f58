package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/ready"
)

func readyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "ready",
		Short:   "say, the day before, whether this machine can do all of it",
		GroupID: "teach",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, steps, err := loadSteps("")
			if err != nil {
				return err
			}
			wanted, err := findBase("")
			if err != nil {
				return err
			}
			e, err := connect(cmd.Context())
			if err != nil {
				return err
			}
			root, err := os.Getwd()
			if err != nil {
				return err
			}
			m := ready.Machine{
				Engine: e, Base: wanted, App: steps[0].Dir, Root: root,
				Say: sentencesTo(cmd.ErrOrStderr()),
			}
			checks, err := m.Examine(cmd.Context())
			if err != nil {
				return err
			}
			return showChecks(cmd, checks)
		},
	}
}

// showChecks prints a line for each, and the fix below what is lacking.
func showChecks(cmd *cobra.Command, checks []ready.Check) error {
	out := cmd.OutOrStdout()
	lacks, unclear := 0, 0
	for _, c := range checks {
		word, text := "ok", c.Found
		switch {
		case c.Unclear:
			word, text = "?", c.Lack
			unclear++
		case c.Lack != "":
			word, text = "LACK", c.Lack
			lacks++
		}
		fmt.Fprintf(out, "%-5s %-10s %s\n", word, c.Name, text)
		if c.Lack != "" && c.Fix != "" {
			fmt.Fprintf(out, "%16s fix: %s\n", "", c.Fix)
		}
	}
	switch {
	case lacks > 0:
		fmt.Fprintln(out, "NOT READY.")
		return status(exitUnexpected)
	case unclear > 0:
		fmt.Fprintln(out, "CANNOT TELL.")
		return status(exitEnvironment)
	}
	fmt.Fprintln(out, "READY: every step will run here, with no network.")
	return nil
}
