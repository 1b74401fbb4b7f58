package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
)

func cleanCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "clean",
		Short:   "remove every container, image and download that this tool made",
		GroupID: "maintain",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			out := tell.NewTerminal(cmd.OutOrStdout())
			say := tell.Plain{Writer: cmd.ErrOrStderr()}
			e, err := connect(cmd.Context(), say)
			if err != nil {
				return err
			}
			done, err := e.Clean(cmd.Context(), say)
			if err != nil {
				return err
			}
			for _, kept := range done.Kept {
				out.Paragraph("left alone: " + kept)
			}
			// The bases after what rests on them: before, they would lose their names only.
			bases := func() error {
				containers, images, err := base.Clean(cmd.Context(), e)
				if err == nil {
					out.Paragraph(fmt.Sprintf("Removed %d containers and %d images of ours.", containers+done.Containers, images+done.Images))
				}
				return err
			}
			cache, err := program.CacheDir()
			if err != nil { // then there are no downloads, and no rebuild under way
				err = bases()
			} else if err = rebuild.RemoveCache(cmd.Context(), cache, say, bases); err == nil {
				out.Paragraph("Removed the downloads in " + cache + ".")
			}
			if err != nil {
				return err
			}
			out.Paragraph("The engine's build cache stays: it is not ours alone. To empty it for all your builds: " + e.Name + " builder prune")
			return nil
		},
	}
}
