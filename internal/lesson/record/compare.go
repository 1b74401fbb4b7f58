package record

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

// tolerance is how far an image's size may be from the record's, as a share: the
// rebuilt bases follow Debian's updates, and the binary does not.
const tolerance = 0.02

// Compare tells how a run differs from a record in what is proven: outcome,
// phase, cause, what is missing, user and size. The runtime's wording and exit
// codes are compared only where the same engine has spoken.
func Compare(was, now Run) []string {
	type key struct{ step, dockerfile string }
	recorded := map[key]run.Outcome{}
	for _, o := range was.Steps {
		recorded[key{o.Step, o.Dockerfile}] = o
	}
	var differences []string
	for _, o := range now.Steps {
		k := key{o.Step, o.Dockerfile}
		r, ok := recorded[k]
		if !ok {
			continue // a new step has nothing to differ from
		}
		differs := func(what string, then, today any) {
			if then != today {
				differences = append(differences, fmt.Sprintf("%s (%s): %s was %v, is %v", o.Step, o.Dockerfile, what, then, today))
			}
		}
		differs("the outcome", r.Outcome, o.Outcome)
		differs("the phase", r.Phase, o.Phase)
		differs("the cause", r.Cause, o.Cause)
		differs("the user", r.User, o.User)
		if o.Outcome == table.Fails { // what runs in a large image is not asked for its C library
			differs("the libc", r.Libc, o.Libc)
		}
		if was.Base.Platform == now.Base.Platform {
			differs("what is missing", r.Missing, o.Missing)
			if sizes(was, now, r, o) {
				differs("the size", table.Size(r.Image.Bytes), table.Size(o.Image.Bytes))
			}
		}
		if was.Engine.Same(now.Engine) && was.Base.Source == now.Base.Source {
			differs("the message", Normalise(r.Message), Normalise(o.Message))
			differs("the exit code", status(r.ExitCode), status(o.ExitCode))
		}
	}
	return differences
}

// sizes says whether two images differ in size; of those that carry the base only where the base is the same kind.
func sizes(was, now Run, r, o run.Outcome) bool {
	if r.Image == nil || o.Image == nil || o.Expected.Overhead == nil && was.Base.Source != now.Base.Source {
		return false
	}
	return math.Abs(float64(o.Image.Bytes-r.Image.Bytes)) > tolerance*float64(r.Image.Bytes)
}

func status(code *int) string {
	if code == nil {
		return "none"
	}
	return fmt.Sprint(*code)
}

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
		texts[step] += fmt.Sprintf("\n# On %s, with %s and its %s builder.\n",
			doc.Base.Said(), doc.Engine.Said(), doc.Engine.Builder)
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
