package record

import (
	"fmt"
	"regexp"
	"strings"
)

// Texts gives each step's output.txt: the commands first, then what the engine
// said, for each of the step's Dockerfiles; last, what it was said on.
func Texts(doc Run) map[string]string {
	texts := map[string]string{}
	for _, o := range doc.Steps {
		text := texts[o.Step]
		if text != "" {
			text += "\n"
		}
		for _, command := range o.Commands {
			text += "$ " + freePort.ReplaceAllString(strings.Join(command, " "), "127.0.0.1:8080:8080") + "\n"
		}
		texts[o.Step] = text + Normalise(o.Message) + "\n"
		if o.Before != "" {
			texts[o.Step] += "# Seen before, with " + o.Before + ".\n"
		}
	}
	for step := range texts {
		texts[step] += fmt.Sprintf("\n# On %s, with %s %s and its %s builder.\n",
			doc.Base.Said(), doc.Engine.Name, doc.Engine.Version, doc.Engine.Builder)
	}
	return texts
}

// freePort is the published port of a step that found 8080 taken.
var freePort = regexp.MustCompile(`127\.0\.0\.1:\d*:8080\b`)

// What differs from run to run, and says nothing.
var (
	requests    = regexp.MustCompile(`(?m)^\[GIN\] .*\n?`) // the probe's: a time, a duration, an address
	containerID = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	helpHint    = regexp.MustCompile(`(?m)^\n?(Run|See) '(docker|podman) run --help'.*\n?`)
	lineNumber  = regexp.MustCompile(`\b((?:container|standard_init)_linux\.go):\d+`)
)

// Normalise takes out of an engine's words what differs between two runs that
// say the same.
func Normalise(message string) string {
	message = strings.ReplaceAll(message, "\r\n", "\n")
	message = requests.ReplaceAllString(message, "")
	message = helpHint.ReplaceAllString(message, "")
	message = containerID.ReplaceAllString(message, "CONTAINER")
	message = lineNumber.ReplaceAllString(message, "$1:LINE")
	return strings.TrimRight(message, "\n ")
}
