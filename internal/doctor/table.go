package doctor

import (
	"encoding/json"
	"strings"
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

// IsMusl is for the templates.
func (f facts) IsMusl() bool { return f.Libc == libcMusl }

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
