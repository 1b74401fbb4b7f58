package main

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/lesson/tell/page"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

func cleanCommand() *cobra.Command {
	return verb("maintain", "clean", "remove every container, image and download that this tool made", cobra.NoArgs, func(c *call) error {
		e := must(connect(c, c.say))
		done := must(e.Clean(c, c.say))
		for _, kept := range done.Kept {
			c.out.Paragraph("left alone: " + kept)
		}
		stages := func() error {
			images, err := rebuild.Sweep(c, e)
			if err == nil {
				c.out.Paragraph(fmt.Sprintf("Removed %d containers and %d images of ours.", done.Containers, images+done.Images))
			}
			return err
		}
		cache, err := program.CacheDir()
		if err != nil { // then there are no downloads, and no rebuild under way
			endOn(stages())
		} else {
			endOn(rebuild.RemoveCache(c, cache, c.say, stages))
			c.out.Paragraph("Removed the downloads in " + cache + ".")
		}
		c.out.Paragraph("The engine's build cache stays: it is not ours alone. To empty it for all your builds: " +
			e.Name + " builder prune")
		return nil
	})
}

// devCommand holds what only maintainers of this repo need.
func devCommand() *cobra.Command {
	dev := &cobra.Command{
		Use:     "dev",
		Short:   "what maintainers need: base, sync, record, bench, evaluate",
		GroupID: "maintain",
		Args:    knownVerb,
		RunE:    func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	dev.AddCommand(
		baseCommand(), syncCommand(),
		testProgram("record", "keep the run that comes in as the repo's record: run all --json | dev record", "./test/records/keep"),
		testProgram("bench", "measure the six steps by this tool against typing them by hand", "./test/bench"),
		testProgram("evaluate", "hold the doctor against real starts of its corpus", "./test/corpus/evaluate"),
	)
	return dev
}

func baseCommand() *cobra.Command {
	return verb("", "base [NAME]", "get the image that stands behind FROM, and say what it is", nil, func(c *call) error {
		_, b, e := c.setUp(c.word("one base at a time: dev base today-alpine", ""))
		r := must(base.Ensure(c, e, b, c.say))
		image := r.Image
		if r.StandInFor != "" {
			image += ", a stand-in for " + r.StandInFor
		}
		const unknown = "unknown: the image does not tell"
		fmt.Fprintf(c.out, "base    %s\nimage   %s\nsource  %s\nGo      %s\nlibc    %s\nsize    %s\ncache   %s\n",
			r.Name, image, r.Source, cmp.Or(r.Go, unknown), cmp.Or(r.Libc, unknown), screen.Size(r.Bytes), must(program.CacheDir()))
		return nil
	})
}

func syncCommand() *cobra.Command {
	const short = "copy step 1's app to the others, and write the generated texts"
	return verb("", "sync", short, cobra.NoArgs, func(c *call) error {
		repo := findRepo()
		must(usage(page.Make(repo.Root)))
		written, err := page.Update(repo.Root)
		for _, path := range written {
			c.out.Say("wrote " + path)
		}
		return err
	})
}

// testProgram is a verb whose program lies with the tests: it is compiled from the
// clone, so that nobody who only runs the steps carries it.
func testProgram(name, short, path string) *cobra.Command {
	cmd := verb("", name, short, nil, func(c *call) error {
		program := exec.CommandContext(c, "go", append([]string{"run", path}, c.args...)...)
		program.Dir = findRepo().Root
		program.Stdin, program.Stdout, program.Stderr = c.in, c.out, c.say.Writer
		err := program.Run()
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			return status(exitUnexpected) // what there was to say has been said
		}
		return err
	})
	cmd.DisableFlagParsing = true
	return cmd
}
