package main

import (
	"io"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/message"
)

// doctorOptions are the flags of the verb doctor that say where to look and how to tell it.
type doctorOptions struct {
	json, noFix bool
	deep        bool   // every layer and file of an engine's image
	remote      bool   // from its registry
	platform    string // that it is judged for; "" the machine's
}

func doctorCommand() *cobra.Command {
	var o doctorOptions
	var options doctor.Options
	var container, entrypoint, text string
	var cmd *cobra.Command
	const short = "prove, without a start, whether an image can start, and why not"
	cmd = verb("read", "doctor IMAGE | FILE.yaml | --container NAME", short, nil, func(c *call) error {
		given := cmd.Flags().Changed
		dash := cmd.ArgsLenAtDash()
		if dash < 0 {
			dash = len(c.args)
		}
		images := c.args[:dash]
		options.Args = c.args[dash:]
		if given("entrypoint") {
			options.Entrypoint = &[]string{entrypoint}
		}
		named := given("message") || container != ""
		switch {
		case !named && len(images) == 0:
			return usagef("doctor needs an image: an engine's, a `docker save` tarball, or an OCI layout folder (--help lists more)")
		case named && len(images) > 0, len(images) > 1, given("message") && len(c.args) > 0:
			return usagef("doctor takes one image; what is to be its command stands after --")
		case given("message"):
			return o.readMessage(c, text)
		case container != "":
			return o.tellOf(c, must(examineContainer(c, container, options)))
		case !describes(images[0]):
			return o.tellOf(c, must(o.examine(c, images[0], options)))
		case given("entrypoint"), options.User+options.Workdir != "", len(options.Args) > 0:
			return usagef("how its containers are started, %s says itself", images[0])
		}
		return o.diagnoseFile(c, images[0])
	})
	cmd.Long = `Reads an image's config and files, starts nothing, and says: it starts, and as
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

Exit status: 0 it starts, 1 it cannot, 2 wrong usage, 3 it cannot be told.`
	flags := cmd.Flags()
	flags.BoolVar(&o.json, "json", false, "print the diagnosis as JSON")
	flags.BoolVar(&o.noFix, "no-fix", false, "give the evidence, and leave the fix to the reader")
	flags.BoolVar(&o.deep, "deep", false, "read every layer and file of an engine's image (slow: `docker save`)")
	flags.BoolVar(&o.remote, "remote", false, "read IMAGE, or those of a FILE.yaml, from the registry")
	flags.StringVar(&o.platform, "platform", "", "`OS/ARCH` to judge it for, such as linux/arm64; not the engine's own")
	flags.StringVar(&container, "container", "", "the `NAME` of a container to examine, in the place of an image")
	flags.StringVar(&text, "message", "", "name the causes that print this text; - reads it from stdin")
	flags.StringVar(&options.User, "user", "", "the user that it is to run as")
	flags.StringVar(&options.Workdir, "workdir", "", "the folder that it is to begin in")
	flags.StringVar(&entrypoint, "entrypoint", "", "the program to start instead of ENTRYPOINT (and CMD)")
	return cmd
}

// readMessage names the causes that print a text.
func (o doctorOptions) readMessage(c *call, text string) error {
	if text == "-" {
		var all []byte
		read := make(chan error, 1)
		go func() { // nothing wakes it where it waits for its input
			var err error
			all, err = io.ReadAll(io.LimitReader(c.in, 1<<20)) // more is no message
			read <- err
		}()
		select {
		case <-c.Done():
			return c.Err()
		case err := <-read:
			endOn(err)
			text = string(all)
		}
	}
	answer := message.Read(text)
	var known *bool
	if yes := len(answer.Causes) > 0; yes {
		known = &yes
	}
	return o.tell(c, answer, func(width int) error { return answer.Screen(c.out, width) }, known)
}

// tellOf tells an image's diagnosis.
func (o doctorOptions) tellOf(c *call, d *doctor.Diagnosis) error {
	o.withhold(d)
	return o.tell(c, d, func(width int) error { return doctor.Screen(c.out, d, c.out.Color, width) }, d.Starts)
}

// withhold takes the fix away, for who wants to find it.
func (o doctorOptions) withhold(d *doctor.Diagnosis) {
	if o.noFix {
		d.Fix, d.Advice = doctor.Fix{}, nil
	}
}

// tell writes an answer, as JSON or in words, and gives the exit status: of what starts, does not, or cannot be told (nil).
func (o doctorOptions) tell(c *call, answer any, words func(width int) error, starts *bool) error {
	if o.json {
		c.json(answer)
	} else {
		endOn(words(min(80, c.out.Width)))
	}
	switch {
	case starts == nil:
		return status(exitEnvironment)
	case !*starts:
		return status(exitUnexpected)
	}
	return nil
}
