package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
)

func baseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "base [NAME]",
		Short: "get the image that stands behind FROM, and say what it is",
		Args:  words(0, 1, "one base at a time: dev base today-alpine"),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := findRepo()
			if err != nil {
				return err
			}
			b, err := findBase(repo, append(args, "")[0])
			if err != nil {
				return err
			}
			e, err := connect(cmd.Context(), tell.Plain{Writer: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			ready, err := base.Ensure(cmd.Context(), e, b, tell.Plain{Writer: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			return showBase(cmd.OutOrStdout(), ready)
		},
	}
}

// findBase gives the base of a name; "" is the default one.
func findBase(repo program.Repo, name string) (base.Base, error) {
	catalog, err := loadCatalog(repo)
	if err != nil {
		return base.Base{}, err
	}
	b, err := catalog.Find(name)
	if err != nil {
		return b, usageError{err}
	}
	return b, nil
}

// loadCatalog reads bases.yaml; what is wrong with it is wrong usage.
func loadCatalog(repo program.Repo) (*base.Catalog, error) {
	catalog, err := base.Load(repo.Path("bases"))
	if err != nil {
		return nil, usageError{err}
	}
	return catalog, nil
}

func showBase(out io.Writer, r *base.Ready) error {
	image := r.Image
	if r.StandInFor != "" {
		image += ", a stand-in for " + r.StandInFor
	}
	cache, err := program.CacheDir()
	if err != nil {
		return err
	}
	const unknown = "unknown: the image does not tell"
	_, err = fmt.Fprintf(out, "base    %s\nimage   %s\nsource  %s\nGo      %s\nlibc    %s\nsize    %s\ncache   %s\n",
		r.ID, image, r.Source, cmp.Or(r.Go, unknown), cmp.Or(r.Libc, unknown), rebuild.MB(r.Bytes), cache)
	return err
}
