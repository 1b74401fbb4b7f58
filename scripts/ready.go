package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/classroom/ready"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/tell"
)

func readyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "ready",
		Short:   "say, the day before, whether this machine can do all of it",
		GroupID: "teach",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := findRepo()
			if err != nil {
				return err
			}
			_, steps, err := loadSteps(repo, "")
			if err != nil {
				return err
			}
			wanted, err := findBase(repo, "")
			if err != nil {
				return err
			}
			e, err := connect(cmd.Context(), tell.Plain{Writer: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			m := ready.Machine{
				Engine: e, Base: wanted, App: steps[0].Dir, Root: repo.Root,
				Say: tell.Plain{Writer: cmd.ErrOrStderr()},
			}
			checks, err := m.Examine(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				_, err = cmd.OutOrStdout().Write(record.Marshal(readyDocument{1, "ready", e, checks}))
			} else {
				showChecks(cmd.OutOrStdout(), checks)
			}
			if err != nil {
				return err
			}
			switch lacks, unclear := count(checks); {
			case lacks > 0:
				return status(exitUnexpected)
			case unclear > 0:
				return status(exitEnvironment)
			}
			return nil
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

// count counts what is lacking, and what is unclear.
func count(checks []ready.Check) (lacks, unclear int) {
	for _, c := range checks {
		if c.Unclear {
			unclear++
		} else if c.Lack != "" {
			lacks++
		}
	}
	return lacks, unclear
}

// showChecks prints a line for each, and the fix below what is lacking.
func showChecks(out io.Writer, checks []ready.Check) {
	for _, c := range checks {
		word := "ok"
		switch {
		case c.Unclear:
			word = "?"
		case c.Lack != "":
			word = "LACK"
		}
		fmt.Fprintf(out, "%-5s %-10s %s\n", word, c.Name, cmp.Or(c.Lack, c.Found))
		if c.Lack != "" && c.Fix != "" {
			fmt.Fprintf(out, "%16s fix: %s\n", "", c.Fix)
		}
	}
	switch lacks, unclear := count(checks); {
	case lacks > 0:
		fmt.Fprintln(out, "NOT READY.")
	case unclear > 0:
		fmt.Fprintln(out, "CANNOT TELL.")
	default:
		fmt.Fprintln(out, "READY: every step will run here, with no network.")
	}
}
