package main

import (
	"errors"
	"os/exec"

	"github.com/spf13/cobra"
)

// devCommand holds what only maintainers of this repo need.
func devCommand() *cobra.Command {
	dev := &cobra.Command{
		Use:     "dev",
		Short:   "what maintainers need: base, sync, record, bench, evaluate",
		GroupID: "maintain",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown verb %q of dev; dev --help lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	dev.AddCommand(
		baseCommand(), syncCommand(), recordCommand(),
		testProgram("bench", "measure the six steps by this tool against typing them by hand", "./test/bench"),
		testProgram("evaluate", "hold the doctor against real starts of its corpus: confusion matrix, cause accuracy", "./test/corpus/evaluate"),
	)
	return dev
}

func recordCommand() *cobra.Command {
	o := runOptions{record: true}
	cmd := &cobra.Command{
		Use:   "record [all|beyond]",
		Short: "run all steps, and keep the outcomes as the repo's records",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.beside, "beside", false, "keep them as this engine's, beside the first record, which the texts show")
	cmd.Flags().BoolVar(&o.accept, "accept", false, "take over outcomes that have changed")
	return cmd
}

// testProgram is a verb whose program lies with the tests: it is compiled from the
// clone, so that nobody who only runs the steps carries it.
func testProgram(name, short, path string) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              short,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := findRepo()
			if err != nil {
				return err
			}
			program := exec.CommandContext(cmd.Context(), "go", append([]string{"run", path}, args...)...)
			program.Dir = repo.Root
			program.Stdin, program.Stdout, program.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			var ended *exec.ExitError
			if err := program.Run(); errors.As(err, &ended) {
				return status(exitUnexpected) // what there was to say has been said
			} else if err != nil {
				return err
			}
			return nil
		},
	}
}
