package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/program"
)

func baseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "base [NAME]",
		Short: "get the image that stands behind FROM, and say what it is",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("one base at a time: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			b, err := findBase(name)
			if err != nil {
				return err
			}
			e, err := connect(cmd.Context(), sentencesTo(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			ready, err := base.Ensure(cmd.Context(), e, b, sentencesTo(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			return showBase(cmd, ready)
		},
	}
}

// findBase gives the base of a name; "" is the default one.
func findBase(name string) (base.Base, error) {
	catalog, err := loadCatalog()
	if err != nil {
		return base.Base{}, err
	}
	b, err := catalog.Find(name)
	var unknown *base.Unknown
	if errors.As(err, &unknown) {
		return b, usageError{err}
	}
	return b, err
}

// loadCatalog reads bases.yaml; what is wrong with it is wrong usage.
func loadCatalog() (*base.Catalog, error) {
	dir, err := basesDir()
	if err != nil {
		return nil, usageError{err}
	}
	catalog, err := base.Load(dir)
	if err != nil {
		return nil, usageError{err}
	}
	return catalog, nil
}

// basesDir finds bases/ of the repo that this is used in.
func basesDir() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for _, from := range []string{here, program.Path()} {
		if root := program.Root(from); root != "" {
			return filepath.Join(root, "bases"), nil
		}
	}
	return "", errors.New("there is no bases/bases.yaml here or above: run this in a clone of the repository")
}

func showBase(cmd *cobra.Command, r *base.Ready) error {
	image := r.Image
	if r.StandInFor != "" {
		image += ", a stand-in for " + r.StandInFor
	}
	cache, err := program.CacheDir()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"base", r.ID},
		{"image", image},
		{"source", r.Source},
		{"Go", orUnknown(r.Go)},
		{"libc", orUnknown(r.Libc)},
		{"size", rebuild.MB(r.Bytes)},
		{"cache", cache},
	} {
		fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
	}
	return w.Flush()
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown: the image does not tell"
	}
	return text
}
