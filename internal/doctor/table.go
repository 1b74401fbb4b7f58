package doctor

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// facts are what a cause's texts speak of.
type facts struct {
	Name       string // what was asked for
	At         string // where the way ended, or which file is meant
	Target     string // where the file has to be
	Instr      string // ENTRYPOINT or CMD: where the program comes from
	Words      string // the instructions that were meant, or a script's first line
	Lost       string // where a layer has taken the file away
	Layer      int
	Tree       string // the folder of an interpreter that has one of its own
	Capability string // that the file demands, by its number
	Closed     bool   // a folder is closed, not the file
	Hidden     bool   // under what the runtime mounts
	User       string
	File       string // an account file
	Link       string // "/sh -> /busybox"
	Loop       bool   // the links lead in a circle
	Command    string // of a shell form
	Path       string // PATH
	Line       string // a script's first line
	Found      string // what a file is instead
	Machine    string // that a file is for
	Wants      string // the machine that it should be for
	Loader     string
	Libc       string
	Library    string
	Version    string
	Symbol     string
	Copies     string // lines that copy a loader and its libraries
	Foreign    bool   // a program for glibc, on musl
	Bare       bool   // a library without versions
	Sed        string // how the image itself calls sed; empty: it cannot
	PIE        bool   // built so by Go, and without need
	Archive    bool   // it is a static library
	Shared     bool   // it is a shared one
	Of         string // Rust, .NET, a distribution: whose the program is
	Go         bool   // the program was built by Go
	Option     string // of a script's first line
	Lacks      string // what a busybox or env does not know
	By         string // who is to become the user, where it is not USER that says so
	Read       bool   // a script cannot be read
	Switch     bool   // another user is asked for, and only root may
}

// JSON is the shell form's command as the exec form wants it; empty where only a shell can do it.
func (f facts) JSON() string { return quoteList(f.Command) }

// entry is one row of the table of causes: the doctor's texts and the docs come from it.
type entry struct {
	cause      Cause
	title      string
	meaning    string // what it is
	summary    string // a template over facts, as fix and dockerfile
	fix        string
	dockerfile string
	proof      string // how to check it by hand
	example    facts
}

// execForm writes words as ENTRYPOINT and CMD take them.
func execForm(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		text, _ := json.Marshal(w)
		quoted[i] = string(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Markdown tells of a cause, for its page in docs/causes, from the row that the doctor's
// own texts come from. looks is how it shows.
func (c Cause) Markdown(looks string) string {
	e := entryOf(c)
	var b strings.Builder
	fmt.Fprintf(&b, "**%s.** %s\n\nThe doctor says: %s.\n", e.title, e.meaning, fill(e.summary, e.example))
	fmt.Fprintf(&b, "\n## How it looks\n\n%s\n## Proof and fix\n\n%s\n\n%s\n\n", looks, e.proof, fill(e.fix, e.example))
	for _, line := range strings.Split(fill(e.dockerfile, e.example), "\n") {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}

// CausesMarkdown lists the causes, ordered by what people meet first.
func CausesMarkdown() string {
	var b strings.Builder
	b.WriteString("| cause | in short |\n|---|---|\n")
	for _, e := range slices.Concat(table, refusals) {
		fmt.Fprintf(&b, "| [`%s`](%s.md) | %s |\n", e.cause, e.cause, e.title)
	}
	b.WriteString("\nWhere two fit, the first of this list is named: ")
	for i, c := range Causes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s`", c)
	}
	return b.String() + ".\n"
}

// What stands in an image goes into lines of a Dockerfile that people paste. There
// a name with blanks, quotes or line ends must stay the one word that it is.
var quoting = template.FuncMap{"copy": copyWords, "shell": shellWord, "list": execForm, "sed": sedText.Replace}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,~-]*$`)
	control   = regexp.MustCompile(`[[:cntrl:]]`)

	copyText = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`, `$`, `\$`)
	sedText  = strings.NewReplacer(`\`, `\\`, `|`, `\|`, `&`, `\&`)
)

// copyWords writes paths as COPY takes them: as a list where one is not plain.
// Quotes and variables mean something there, too.
func copyWords(paths ...string) string {
	if plainWord.MatchString(strings.Join(paths, "")) {
		return strings.Join(paths, " ")
	}
	for i, p := range paths {
		paths[i] = copyText.Replace(p)
	}
	return execForm(paths...)
}

// shellWord writes a word as the shell of RUN takes it. A line end would end the
// instruction: for control characters stands the pattern that matches any one.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return control.ReplaceAllString("'"+strings.ReplaceAll(word, "'", `'\''`)+"'", `'?'`)
}
