package main

import (
	"io"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/message"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/tell"
)

func doctorCommand() *cobra.Command {
	var asJSON, noFix bool
	var from whence
	var container string
	var start doctor.Start
	var entrypoint, text string
	c := &cobra.Command{
		Use:     "doctor IMAGE | FILE.yaml | --container NAME",
		GroupID: "read",
		Short:   "prove, without a start, whether an image can start, and why not",
		Long: `Reads an image's config and files, starts nothing, and says: it starts, and as
whom; or it cannot, for this cause, with this evidence, and this fix.

  doctor IMAGE             of an engine
  doctor FILE.tar[:TAG]    of ` + "`docker save`" + `; or a folder, an OCI layout
  doctor --remote IMAGE    in its registry, with no engine: only the layers that
                           it takes; with the login that docker or podman keeps
  doctor --container NAME  that somebody made: with its own files and options
  doctor FILE.yaml         each container of a pod, of what has a pod template,
                           or of a compose file, as that starts it
  doctor --message TEXT    the causes that print a text, such as a log: no proof

The other options answer for a start that overrides what the image says; what is
to be its command stands after --.

Exit status: 0 it starts, 1 it cannot, 2 wrong usage, 3 it cannot be told.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("message") {
				return cobra.NoArgs(cmd, args)
			}
			images := len(args)
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				images = dash
			}
			switch {
			case container == "" && images == 0:
				return usagef("doctor needs an image: an engine's, a `docker save` tarball, or an OCI layout folder (--help lists more)")
			case container != "" && images > 0, images > 1:
				return usagef("doctor takes one image; what is to be its command stands after --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("message") {
				return readMessage(cmd, text, asJSON)
			}
			if cmd.Flags().Changed("entrypoint") {
				start.Entrypoint = &[]string{entrypoint}
			}
			say := tell.Plain{Writer: cmd.ErrOrStderr()}
			var d *doctor.Diagnosis
			var err error
			switch {
			case container != "":
				start.Args = args
				d, err = examineContainer(cmd.Context(), container, start, say)
			case describes(args[0]):
				if cmd.Flags().Changed("entrypoint") || start.User+start.Workdir != "" || len(args) > 1 {
					return usagef("how its containers are started, %s says itself", args[0])
				}
				return diagnoseFile(cmd, args[0], from, asJSON, noFix)
			default:
				start.Args = args[1:]
				d, err = examine(cmd.Context(), args[0], from, start, say)
			}
			if err != nil {
				return err
			}
			if noFix { // for who wants to find it
				d.Fix, d.Advice = doctor.Fix{}, nil
			}
			if err := show(cmd, asJSON, d, func(screen *tell.Terminal, width int) error {
				return doctor.Screen(screen, d, screen.Color, width)
			}); err != nil {
				return err
			}
			return verdictStatus(d.Starts)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the diagnosis as JSON")
	c.Flags().BoolVar(&noFix, "no-fix", false, "give the evidence, and leave the fix to the reader")
	c.Flags().BoolVar(&from.deep, "deep", false, "read every layer and file of an engine's image (slow: `docker save`)")
	c.Flags().BoolVar(&from.remote, "remote", false, "read IMAGE, or those of a FILE.yaml, from the registry")
	c.Flags().StringVar(&container, "container", "", "the `NAME` of a container to examine, in the place of an image")
	c.Flags().StringVar(&from.platform, "platform", "", "`OS/ARCH` to judge it for, such as linux/arm64; not the engine's own")
	c.Flags().StringVar(&text, "message", "", "name the causes that print this text; - reads it from stdin")
	c.Flags().StringVar(&start.User, "user", "", "the user that it is to run as")
	c.Flags().StringVar(&start.Workdir, "workdir", "", "the folder that it is to begin in")
	c.Flags().StringVar(&entrypoint, "entrypoint", "", "the program to start instead of ENTRYPOINT (and CMD)")
	return c
}

// longestMessage is how much of a text is read: more is no message.
const longestMessage = 1 << 20

// readMessage names the causes that print a text.
func readMessage(cmd *cobra.Command, text string, asJSON bool) error {
	var answer *message.Answer
	read := make(chan error, 1)
	go func() { // nothing wakes it where it waits for its input
		var err error
		if text == "-" {
			var all []byte
			all, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), longestMessage))
			text = string(all)
		}
		answer = message.Read(text)
		read <- err
	}()
	var err error
	select {
	case <-cmd.Context().Done():
		return cmd.Context().Err()
	case err = <-read:
	}
	if err != nil {
		return err
	}
	err = show(cmd, asJSON, answer, func(screen *tell.Terminal, width int) error { return answer.Screen(screen, width) })
	if err == nil && len(answer.Causes) == 0 {
		err = status(exitEnvironment)
	}
	return err
}

// show writes an answer: as JSON, or as words on a screen.
func show(cmd *cobra.Command, asJSON bool, answer any, words func(screen *tell.Terminal, width int) error) error {
	screen := tell.NewTerminal(cmd.OutOrStdout())
	if asJSON {
		_, err := screen.Write(record.Marshal(answer))
		return err
	}
	return words(screen, min(80, screen.Width))
}

func verdictStatus(starts *bool) error {
	switch {
	case starts == nil:
		return status(exitEnvironment)
	case !*starts:
		return status(exitUnexpected)
	}
	return nil
}
