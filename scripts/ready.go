package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/ready"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
)

func readyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
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
			e, err := connect(cmd.Context(), sentencesTo(cmd.ErrOrStderr()))
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
			if !asJSON {
				return showChecks(cmd, checks)
			}
			document := readyDocument{Schema: 1, Kind: "ready", Engine: e, Checks: checks}
			if _, err := cmd.OutOrStdout().Write(record.Marshal(document)); err != nil {
				return err
			}
			_, _, err = total(checks)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document, to paste into a report")
	return cmd
}

// readyDocument is what `ready --json` prints.
type readyDocument struct {
	Schema int            `json:"schema"`
	Kind   string         `json:"kind"`
	Engine *engine.Engine `json:"engine"`
	Checks []ready.Check  `json:"checks"`
}

// total counts what is lacking and what is unclear, and gives the status of that.
func total(checks []ready.Check) (lacks, unclear int, status_ error) {
	for _, c := range checks {
		switch {
		case c.Unclear:
			unclear++
		case c.Lack != "":
			lacks++
		}
	}
	switch {
	case lacks > 0:
		return lacks, unclear, status(exitUnexpected)
	case unclear > 0:
		return lacks, unclear, status(exitEnvironment)
	}
	return 0, 0, nil
}

// showChecks prints a line for each, and the fix below what is lacking.
func showChecks(cmd *cobra.Command, checks []ready.Check) error {
	out := cmd.OutOrStdout()
	for _, c := range checks {
		word, text := "ok", c.Found
		switch {
		case c.Unclear:
			word, text = "?", c.Lack
		case c.Lack != "":
			word, text = "LACK", c.Lack
		}
		fmt.Fprintf(out, "%-5s %-10s %s\n", word, c.Name, text)
		if c.Lack != "" && c.Fix != "" {
			fmt.Fprintf(out, "%16s fix: %s\n", "", c.Fix)
		}
	}
	lacks, unclear, ended := total(checks)
	switch {
	case lacks > 0:
		fmt.Fprintln(out, "NOT READY.")
	case unclear > 0:
		fmt.Fprintln(out, "CANNOT TELL.")
	default:
		fmt.Fprintln(out, "READY: every step will run here, with no network.")
	}
	return ended
}
