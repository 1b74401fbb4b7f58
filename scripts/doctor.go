package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/screen"
)

func doctorCommand() *cobra.Command {
	var asJSON, deep, noFix bool
	var start doctor.Start
	var entrypoint, text string
	c := &cobra.Command{
		Use:     "doctor IMAGE [-- ARGS…]",
		GroupID: "read",
		Short:   "prove, without a start, whether an image can start, and why not",
		Long: `Reads an image's config and files, starts nothing, and says: it starts, and as
whom; or it cannot, for this cause, with this evidence, and this fix.

IMAGE is an engine's image, a tarball of ` + "`docker save`" + ` (FILE or FILE:TAG), or an
OCI layout folder. The options answer for a start that overrides what the image
says, as a pod or a compose file does. With --message it takes no image, and
names the causes that print a text, such as a log: no proof.

Exit status: 0 it starts, 1 it cannot, 2 wrong usage, 3 it cannot be told.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("message") {
				return cobra.NoArgs(cmd, args)
			}
			if len(args) == 0 || cmd.ArgsLenAtDash() == 0 {
				return usagef("doctor needs an image: an engine's, a `docker save` tarball, or an OCI layout folder")
			}
			if len(args) > 1 && cmd.ArgsLenAtDash() != 1 {
				return usagef("doctor takes one image; what is to be its command stands after --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("message") {
				return readMessage(cmd, text, asJSON)
			}
			start.Args = args[1:]
			if cmd.Flags().Changed("entrypoint") {
				start.Entrypoint = &[]string{entrypoint}
			}
			d, err := examine(cmd.Context(), args[0], deep, start, tell.Plain{Writer: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			if noFix { // for who wants to find it
				d.Fix, d.Advice = doctor.Fix{}, nil
			}
			if asJSON {
				_, err = cmd.OutOrStdout().Write(record.Marshal(d))
			} else {
				screen := tell.NewTerminal(cmd.OutOrStdout())
				err = doctor.Screen(screen, d, screen.Color, min(80, screen.Width))
			}
			if err != nil {
				return err
			}
			return verdictStatus(d)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the diagnosis as JSON")
	c.Flags().BoolVar(&noFix, "no-fix", false, "give the evidence, and leave the fix to the reader")
	c.Flags().BoolVar(&deep, "deep", false, "read every layer and file of an engine's image (slow: `docker save`)")
	c.Flags().StringVar(&text, "message", "", "name the causes that print this text; - reads it from stdin")
	c.Flags().StringVar(&start.User, "user", "", "the user that it is to run as")
	c.Flags().StringVar(&start.Workdir, "workdir", "", "the folder that it is to begin in")
	c.Flags().StringVar(&entrypoint, "entrypoint", "", "the program to start instead of ENTRYPOINT (and CMD)")
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
func examine(ctx context.Context, ref string, deep bool, start doctor.Start, say screen.Reporter) (d *doctor.Diagnosis, err error) {
	var img image.Image
	var machine doctor.Machine
	if path, tag, ok := archive(ref); ok {
		machine = startsOn(ctx)
		platform := image.Platform{OS: machine.OS, Arch: machine.Arch}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			img, err = image.FromLayout(ctx, path, tag, platform)
			if err != nil {
				return nil, err
			}
		} else if img, err = image.FromTarball(ctx, path, tag, platform); err != nil {
			return nil, err
		}
	} else {
		e, err := find(ctx, say)
		if err != nil {
			return nil, orFolder(ctx, ref, err)
		}
		machine = doctor.MachineOf(e.OS, e.Arch, e.Here, e.Overrides())
		open := source.FromEngine
		if deep {
			open = source.FromEngineDeep
		}
		if img, err = open(ctx, e, ref); err != nil {
			var none *image.NotFound
			if errors.As(err, &none) {
				err = orFolder(ctx, ref, err)
			}
			return nil, err
		}
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	return doctor.Examine(ctx, img, machine, start)
}

// orFolder says of a folder that is no layout what it lacks: where no engine has
// an image of its name, it is meant.
func orFolder(ctx context.Context, ref string, err error) error {
	if info, missing := os.Stat(ref); missing == nil && info.IsDir() && ctx.Err() == nil {
		_, err = image.FromLayout(ctx, ref, "", image.Platform{})
	}
	return err
}

// archive tells a tarball or a layout, with or without a :TAG, from an engine's
// image. A file that happens to be called like an image must not be taken for one.
func archive(ref string) (path, tag string, ok bool) {
	is := func(path string) bool {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return false
		case info.IsDir():
			_, err := os.Stat(filepath.Join(path, "index.json"))
			return err == nil || strings.ContainsAny(path[:1]+path[len(path)-1:], "./\\")
		}
		return strings.ContainsAny(path, "./\\")
	}
	if is(ref) {
		return ref, "", true
	}
	for i := 2; i < len(ref); i++ { // not the colon of C:\
		if ref[i] == ':' && is(ref[:i]) {
			return ref[:i], ref[i+1:], true
		}
	}
	return "", "", false
}

// startsOn is the machine that an archive is judged for: the engine's where one
// answers at once, else this one.
func startsOn(ctx context.Context) doctor.Machine {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	if e, err := engine.Find(ctx); err == nil {
		return doctor.MachineOf(e.OS, e.Arch, e.Here, e.Overrides())
	}
	return doctor.MachineOf("linux", runtime.GOARCH, runtime.GOOS == "linux", false)
}
