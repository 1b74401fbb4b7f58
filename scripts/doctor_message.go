package main

import (
	"io"

	"github.com/spf13/cobra"

	"optimizing-dockerfile/internal/doctor/message"
	"optimizing-dockerfile/internal/lesson/tell"
)

// longestMessage is how much of a text is read: more is no message.
const longestMessage = 4 << 20

// readMessage names the causes that print a text.
func readMessage(cmd *cobra.Command, text string, asJSON bool) error {
	if text == "-" {
		read, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), longestMessage))
		if err != nil {
			return err
		}
		text = string(read)
	}
	answer := message.Read(text)
	err := show(cmd, asJSON, answer, func(screen *tell.Terminal, width int) error { return answer.Screen(screen, width) })
	if err == nil && len(answer.Causes) == 0 {
		err = status(exitEnvironment)
	}
	return err
}
