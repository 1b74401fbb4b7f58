package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/scripts/internal/doctor"
	"optimizing-dockerfile/scripts/internal/doctor/corpus"
	"optimizing-dockerfile/scripts/internal/engine"
)

func evaluateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "evaluate",
		GroupID: "maintain",
		Short:   "hold the doctor against real starts of its corpus: confusion matrix, cause accuracy",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := engine.Find(cmd.Context())
			if err != nil {
				return err
			}
			cases, skipped := corpus.Cases()
			for _, s := range skipped {
				fmt.Fprintln(cmd.ErrOrStderr(), "left out:", s)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "examining and starting %d images\n", len(cases))
			results, err := corpus.Evaluate(cmd.Context(), e, doctor.MachineOf(e.OS, e.Arch, e.Here), cases)
			if err != nil {
				return err
			}
			if !corpus.Report(cmd.OutOrStdout(), results) {
				return status(exitUnexpected)
			}
			return nil
		},
	}
}
