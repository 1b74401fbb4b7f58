// Package message tells which causes print a text: an engine's message, a pod's
// status, a container's log, also inside a longer text. It knows wordings, and no
// image: what it says is no proof.
package message

import (
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

// most is how many causes are named.
const most = 3

// Answer is what a text tells. Its JSON is a contract: fields are added, never changed.
type Answer struct {
	Schema int      `json:"schema"`
	Kind   string   `json:"kind"`
	Causes []Likely `json:"causes"` // most likely first; empty where the text is about something else
	Note   string   `json:"note"`
}

const note = "A message says what failed, not why: this is no proof. `doctor IMAGE` proves it, on the image that the message is about."

// Likely is a cause that prints the text.
type Likely struct {
	Cause     doctor.Cause `json:"cause"`
	Why       string       `json:"why"`
	TellApart string       `json:"tell_apart"` // the question or command that tells it from the others
	Page      string       `json:"page"`
}

// Read names the causes that print a text. The first format that is found in it decides:
// the formats go from what is said of one cause alone to what several have in common.
func Read(text string) *Answer {
	a := &Answer{Schema: 1, Kind: "message", Causes: []Likely{}, Note: note}
	text = plain(text)
	for _, t := range []string{text, strings.ReplaceAll(text, "\n", ""), strings.Join(strings.Fields(text), " ")} { // a terminal breaks lines
		for _, f := range formats {
			m := f.match.FindStringSubmatch(t)
			if m == nil || f.unless != nil && f.unless.MatchString(t) {
				continue
			}
			s := said{text: t}
			for i, group := range f.match.SubexpNames() {
				switch group {
				case "name":
					s.name = strings.Trim(m[i], "\"'` ")
				case "errno":
					s.errno = strings.ToLower(m[i])
				}
			}
			causes := f.causes(s)
			for _, c := range causes[:min(most, len(causes))] {
				a.Causes = append(a.Causes, Likely{c, c.Title() + ". " + c.Meaning(), apart(c, s.name), c.Page()})
			}
			return a
		}
	}
	return a
}

var (
	colours = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	escapes = regexp.MustCompile("\\\\+([\"'`])")
	quotes  = strings.NewReplacer("‘", "'", "’", "'", "“", `"`, "”", `"`, "\r\n", "\n", "\r", `\r`)
)

// plain undoes what terminals, logs and JSON make of a message.
func plain(text string) string {
	return escapes.ReplaceAllString(quotes.Replace(colours.ReplaceAllString(text, "")), "$1")
}

// said is what a format has found.
type said struct{ name, errno, text string }

func (s said) failed(words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s.errno, w) })
}

var (
	shells  = regexp.MustCompile(`^(/usr)?(/local)?(/bin/|/busybox/)?(ba|da|a|z|k)?sh$`)
	scripts = regexp.MustCompile(`\.(sh|bash|py|rb|pl|js)$|entry-?point|(^|/)(gradlew|mvnw|artisan|manage)$|^/init$`)
)

func (s said) shell() bool  { return shells.MatchString(s.name) }
func (s said) script() bool { return scripts.MatchString(s.name) }
func (s said) bare() bool {
	return s.name != "" && !strings.Contains(strings.Fields(s.name + " x")[0], "/")
}

// lookup is what a runtime says that looks for the program before it makes a process.
func lookup(s said) []doctor.Cause {
	switch {
	case s.failed("not a directory"):
		return []doctor.Cause{doctor.NotADirectory, doctor.MissingEntrypoint}
	case s.failed("too many levels"):
		return []doctor.Cause{doctor.DanglingSymlink}
	case s.failed("is a directory"):
		return []doctor.Cause{doctor.IsDirectory}
	case s.failed("not a regular file"):
		return []doctor.Cause{doctor.IsDirectory, doctor.NotExecutable}
	case s.failed("relative to current directory"):
		return []doctor.Cause{doctor.NotOnPath}
	case s.failed("format error", "input/output", "corrupted"):
		return execve(s)
	case s.failed("denied") && strings.HasSuffix(s.name, "/"):
		return []doctor.Cause{doctor.IsDirectory, doctor.NotExecutable, doctor.UserCannotExecute}
	case s.failed("stat") && s.failed("denied"):
		return []doctor.Cause{doctor.UserCannotExecute, doctor.NotExecutable}
	case s.failed("denied", "not permitted", "not executable", "not be invoked"):
		return []doctor.Cause{doctor.NotExecutable, doctor.UserCannotExecute, doctor.IsDirectory}
	case s.bare() && s.shell():
		return []doctor.Cause{doctor.NotOnPath, doctor.MissingShell}
	case s.bare():
		return []doctor.Cause{doctor.NotOnPath, doctor.MissingEntrypoint, doctor.NotExecutable}
	case s.shell():
		return []doctor.Cause{doctor.MissingShell, doctor.MissingEntrypoint, doctor.DanglingSymlink}
	case s.name == "":
		return []doctor.Cause{doctor.NotOnPath, doctor.MissingEntrypoint, doctor.MissingShell}
	}
	return []doctor.Cause{doctor.MissingEntrypoint, doctor.DanglingSymlink, doctor.NotOnPath}
}

// execve is what is said where a program was found, and the kernel does not execute it.
func execve(s said) []doctor.Cause {
	switch {
	case s.failed("denied", "not permitted"):
		return []doctor.Cause{doctor.UserCannotExecute, doctor.NotExecutable}
	case s.failed("corrupted"):
		return []doctor.Cause{doctor.WrongArchitecture}
	case s.failed("input/output", "too many levels"):
		return []doctor.Cause{doctor.ExecFormat, doctor.DanglingSymlink}
	case s.failed("format error", "binary file"):
		return []doctor.Cause{doctor.WrongArchitecture, doctor.ExecFormat}
	case s.script() || s.name == "" && windows.MatchString(s.text):
		return []doctor.Cause{doctor.CRLFInterpreter, doctor.MissingInterpreter, doctor.MissingLoader}
	}
	return []doctor.Cause{doctor.MissingLoader, doctor.CRLFInterpreter, doctor.MissingInterpreter}
}

// spawn is what somebody says who tries to execute a program without a look before: a shell, an init, a cloud.
func spawn(s said) []doctor.Cause {
	switch {
	case s.failed("format error", "binary file", "corrupted"):
		return execve(s)
	case s.failed("denied", "not permitted"):
		return []doctor.Cause{doctor.NotExecutable, doctor.UserCannotExecute, doctor.IsDirectory}
	case s.failed("directory") && !s.failed("file or directory"):
		return lookup(s)
	case s.failed("required file"):
		return execve(s)
	case s.bare():
		return []doctor.Cause{doctor.NotOnPath, doctor.MissingEntrypoint}
	case s.shell():
		return []doctor.Cause{doctor.MissingShell, doctor.MissingLoader}
	case s.script():
		return []doctor.Cause{doctor.CRLFInterpreter, doctor.MissingEntrypoint, doctor.MissingInterpreter}
	}
	return []doctor.Cause{doctor.MissingEntrypoint, doctor.MissingLoader, doctor.MissingInterpreter}
}

// shell is what a shell says; whoever asks about it has most often seen that the file is there.
func shell(s said) []doctor.Cause {
	if strings.HasPrefix(s.name, "[") { // an exec form that is no JSON is a shell's text
		return []doctor.Cause{doctor.MissingEntrypoint, doctor.NotOnPath}
	}
	causes := spawn(s)
	if causes[0] == doctor.MissingEntrypoint {
		causes[0], causes[1] = causes[1], causes[0]
	}
	return causes
}

var placeholders = regexp.MustCompile(`\bPATH\b`)

// apart is the way to tell a cause from others by hand, of the file that the text names.
func apart(c doctor.Cause, name string) string {
	if !strings.HasPrefix(name, "/") || strings.ContainsAny(name, " $\\`'\"") {
		return c.Proof()
	}
	return placeholders.ReplaceAllLiteralString(c.Proof(), name)
}
