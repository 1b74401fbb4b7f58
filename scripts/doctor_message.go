package main

import (
	"io"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/doctor/message"
	"optimizing-dockerfile/internal/lesson/tell"
)

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
