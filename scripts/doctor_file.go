package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/doctor/workload"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/screen"
)

// describes says whether a word is a file that describes containers, and no image.
func describes(ref string) bool {
	if !strings.HasSuffix(ref, ".yaml") && !strings.HasSuffix(ref, ".yml") {
		return false
	}
	info, err := os.Stat(ref)
	return err == nil && !info.IsDir()
}

// diagnoseFile tells of each container that a file describes whether its image can start, as the file starts it.
func diagnoseFile(cmd *cobra.Command, file string, from whence, asJSON, noFix bool) error {
	containers, err := workload.Read(file, os.LookupEnv)
	if err != nil {
		return usageError{err}
	}
	var all []doctor.Member
	for _, c := range containers {
		d, err := from.member(cmd.Context(), c, tell.Plain{Writer: cmd.ErrOrStderr()})
		if err != nil {
			return err
		}
		if noFix {
			d.Fix, d.Advice = doctor.Fix{}, nil
		}
		all = append(all, doctor.Member{Name: c.Name, Owner: c.Owner, Init: c.Init, Notes: c.Notes, Diagnosis: d})
	}
	set := doctor.NewSet(all)
	if err := show(cmd, asJSON, set, func(screen *tell.Terminal, width int) error {
		return doctor.ScreenSet(screen, set, screen.Color, width)
	}); err != nil {
		return err
	}
	return verdictStatus(set.Starts)
}

// member examines one; where its image cannot be had, that is what is told of it.
func (w whence) member(ctx context.Context, c workload.Container, say screen.Reporter) (*doctor.Diagnosis, error) {
	switch {
	case c.Unknown != "":
		return doctor.Unknown(c.Image, c.Unknown), nil
	case c.Image == "":
		return doctor.Unknown(c.Image, "the file names no image for it"), nil
	case w.platform == "":
		w.platform = c.Platform
	}
	d, err := examine(ctx, c.Image, w, c.Start, say)
	var none *image.NotFound
	var fault *image.Fault
	var unavailable *engine.Unavailable
	var wrong usageError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &none):
		why := "the engine does not have its image: build or pull it first, or look in its registry with --remote"
		if w.remote {
			why = none.Reason
		}
		return doctor.Unknown(c.Image, why), nil
	case errors.As(err, &fault), errors.As(err, &unavailable), errors.As(err, &wrong):
		return doctor.Unknown(c.Image, err.Error()), nil
	}
	return d, err
}
