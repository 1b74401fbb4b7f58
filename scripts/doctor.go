package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/scripts/internal/doctor"
	"optimizing-dockerfile/scripts/internal/engine"
	"optimizing-dockerfile/scripts/internal/image"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	var user, workdir, entrypoint string
	c := &cobra.Command{
		Use:     "doctor IMAGE [-- ARGS…]",
		GroupID: "read",
		Short:   "Prove whether an image can start, and if not, why: without starting it",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("doctor needs an image: an engine's, a `docker save` tarball, or an OCI layout folder")
			}
			if len(args) > 1 && cmd.ArgsLenAtDash() != 1 {
				return usagef("doctor takes one image; what is to be its command stands after --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			start := doctor.Start{User: user, Workdir: workdir, Args: args[1:]}
			if cmd.Flags().Changed("entrypoint") {
				start.Entrypoint = &[]string{entrypoint}
			}
			d, err := examine(cmd.Context(), args[0], start)
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetEscapeHTML(false)
				out.SetIndent("", "  ")
				if err := out.Encode(d); err != nil {
					return err
				}
			} else {
				fmt.Fprintln(cmd.OutOrStdout(), d.Summary)
			}
			return verdictStatus(d)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the diagnosis as JSON")
	c.Flags().StringVar(&user, "user", "", "answer for this user, as `docker run --user` would start it")
	c.Flags().StringVar(&workdir, "workdir", "", "answer for this working folder")
	c.Flags().StringVar(&entrypoint, "entrypoint", "", "answer for this program instead of ENTRYPOINT (and CMD)")
	return c
}

func verdictStatus(d *doctor.Diagnosis) error {
	switch {
	case d.Starts == nil:
		return status(exitEnvironment)
	case !*d.Starts:
		return status(exitUnexpected)
	}
	return nil
}

// examine opens the image, wherever it lies, and examines it.
func examine(ctx context.Context, ref string, start doctor.Start) (d *doctor.Diagnosis, err error) {
	e, err := engine.Find(ctx)
	if err != nil {
		return nil, err
	}
	img, err := image.FromEngine(ctx, e, ref)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	return doctor.Examine(ctx, img, doctor.MachineHere(e.OS, e.Arch, os.Getenv("DOCKER_HOST")), start)
}
