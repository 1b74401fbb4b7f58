// Command scripts builds and runs the six steps of "Optimizing Dockerfile" on a
// real container engine, and proves why each one starts or does not.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// Exit statuses, part of the command line's contract.
const (
	exitExpected    = 0 // all is as expected; the image starts; every goal is met
	exitUnexpected  = 1
	exitUsage       = 2
	exitEnvironment = 3 // the engine, the network, the base or the disk is at fault; or: cannot tell
)

// status ends the program with an exit status; what there was to say has been said.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is wrong usage: one line that says what is possible.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	debug.SetMemoryLimit(400 << 20) // rather collect garbage sooner: learners' machines are small
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C is not caught any more: it leaves at once
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute is the whole program but for the process around it; it returns the exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root, out := rootCommand(), tell.NewTerminal(stdout)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	var code status
	var wrong usageError
	if out.Failed != nil && (err == nil || errors.As(err, &code)) {
		err = fmt.Errorf("the result could not be written: %w", out.Failed)
	}
	switch {
	case err == nil:
		return exitExpected
	case errors.As(err, &code):
		return int(code)
	case ctx.Err() != nil:
		left := "nothing of ours is left running"
		if keep := cmd.Flag("keep"); keep != nil && keep.Value.String() == "true" {
			left = "what --keep has left is there until " + program.Call() + " clean"
		}
		fmt.Fprintln(stderr, "stopped; "+left)
		return exitEnvironment
	case errors.As(err, &wrong), strings.HasPrefix(err.Error(), "unknown command"):
		complain(stderr, screen.Line(err.Error()))
		return exitUsage
	}
	complain(stderr, err.Error())
	return exitEnvironment
}

// longest is how much is told of an error; an archive may bring megabytes.
const longest = 4000

// complain writes an error: on a screen in lines that fit it, elsewhere as it is.
func complain(stderr io.Writer, words string) {
	words = screen.Short("error: "+words, longest)
	out := tell.NewTerminal(stderr)
	if !out.Live {
		fmt.Fprintln(stderr, screen.Harmless(words))
		return
	}
	out.Paragraph(words)
}

// knownVerb is what a command that only holds others says of a word that is none of them.
func knownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("unknown verb %q; did you mean %s? --help lists all", args[0], strings.Join(near, " or "))
	}
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs = append(verbs, c.Name())
		}
	}
	return usagef("unknown verb %q: one of %s; --help tells what each does", args[0], strings.Join(verbs, ", "))
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "steps",
		Short:         "From 392 MB to 10 MB in six Dockerfiles. Two of them fail, on purpose.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: program.Call()},
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2, // letters between what was typed and a verb
		Args:                       knownVerb,
		RunE:                       func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	wrapped := fmt.Sprintf(".FlagUsagesWrapped %d", tell.NewTerminal(os.Stdout).Width)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", wrapped))
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%v (%s --help lists the options)", err, cmd.CommandPath())
	})
	root.AddGroup(
		&cobra.Group{ID: "read", Title: "Read along:"},
		&cobra.Group{ID: "teach", Title: "Teach:"},
		&cobra.Group{ID: "maintain", Title: "Maintain:"},
	)
	root.AddCommand(
		runCommand(), diffCommand(), doctorCommand(), checkCommand(), learnCommand(), resetCommand(),
		readyCommand(), reportCommand(), bundleCommand(), loadCommand(), serveCommand(),
		cleanCommand(), devCommand(),
	)
	return root
}
