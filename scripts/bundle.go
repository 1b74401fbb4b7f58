package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/classroom/bundle"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
)

// bundleName is the file that `bundle` writes and `serve` offers, unless told otherwise.
const bundleName = "optimizing-dockerfile.tar"

func bundleCommand() *cobra.Command {
	var join []string
	cmd := &cobra.Command{
		Use:     "bundle [FILE]",
		Short:   "write one file with all that learners need without a network",
		GroupID: "teach",
		Args:    words(0, 1, "bundle writes one file: bundle "+bundleName),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := append(args, bundleName)[0]
			repo, err := findRepo()
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
			say := tell.Plain{Writer: cmd.ErrOrStderr()}
			b, err := bundle.Make(cmd.Context(), bundle.Order{Root: repo.Root, Engine: e, Base: wanted, Join: join, Say: say}, file)
			if err != nil {
				return err
			}
			defer b.Close()
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s: %s, SHA-256 %s\n", file, rebuild.MB(b.Size), b.Sum)
			for _, image := range b.Bases {
				fmt.Fprintf(out, "It holds %s for engines on %s (%s there),\n", image.Image, image.Arch, rebuild.MB(image.Bytes))
			}
			fmt.Fprintf(out, "the lesson's folders, and the tool for %d kinds of machines.\n", len(b.Tools))
			fmt.Fprintf(out, "Offer it to the room: %s serve %s\n", program.Call(), tell.Word(file))
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&join, "join", nil, "a bundle made on another kind of machine: take over its base")
	return cmd
}
