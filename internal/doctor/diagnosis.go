// Package doctor tells from an image's config and files, without starting it,
// whether it can start, as whom, and if not: why, with the proof and the fix.
//
// It resolves what a start resolves, in the same order and by the same rules:
// the daemon the user and the working folder (moby), the runtime the program
// (runc, which uses Go's exec.LookPath), the kernel its format (fs/exec.c,
// binfmt_script.c, binfmt_elf.c), the loader its libraries (glibc's ld.so(8),
// musl's ldso/dynlink.c).
package doctor

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// Diagnosis is what the doctor found. Its JSON is a contract: fields are added, never changed.
type Diagnosis struct {
	Schema   int        `json:"schema"`
	Kind     string     `json:"kind"`
	Image    string     `json:"image"`
	ID       string     `json:"id"`
	Starts   *bool      `json:"starts"` // nil: cannot tell, and the summary says why
	Cause    Cause      `json:"cause"`  // empty where it starts, or where that cannot be told
	Summary  string     `json:"summary"`
	Evidence []Evidence `json:"evidence"`
	Fix      Fix        `json:"fix"`
	Argv     []string   `json:"argv"` // what is executed: ENTRYPOINT and CMD together
	User     User       `json:"user"`
	Libc     string     `json:"libc"` // musl, glibc, none (needs none), or empty: unknown
	Advice   []Advice   `json:"advice"`

	// Page is where the repo says more of the cause.
	Page string `json:"page,omitempty"`
	// Phase is how far a start gets: PhaseStart or PhaseExec; empty where it starts.
	Phase Phase `json:"phase,omitempty"`
	// Ended is what the engine recorded of a container's end.
	Ended *Ended `json:"container,omitempty"`
	// Read is how much of an image in a registry was fetched for it.
	Read *image.Read `json:"read,omitempty"`
	// Missing is the very thing that was asked for and is not there, or not as
	// it must be: /bin/sh, the loader's path, the entrypoint, the account's name.
	Missing string `json:"-"`
	// Program is the path of the program as the runtime finds it; links are not followed.
	Program string `json:"-"`
	// ProgramBytes is the size of the file behind it.
	ProgramBytes int64 `json:"-"`
	// Loader is PT_INTERP of the program, or of the interpreter behind it.
	Loader string `json:"-"`
}

// starts reports whether it is known to start.
func (d *Diagnosis) starts() bool { return d.Starts != nil && *d.Starts }

// Evidence is one thing that a person can check.
type Evidence struct {
	Claim string `json:"claim"` // what is said about the path
	Path  string `json:"path"`  // where: in the image, or a field of its config
	Found string `json:"found"` // what is there
}

// Fix makes the image start.
type Fix struct {
	Text       string `json:"text"`
	Dockerfile string `json:"dockerfile"` // the lines of a Dockerfile that do it
}

// User is whom the process runs as.
type User struct {
	Configured string `json:"configured"`
	UID        *int   `json:"uid"` // nil where the name cannot be resolved
	GID        *int   `json:"gid"`
	Groups     []int  `json:"-"` // beside GID
}

// MayWrite says whether a user with numbers may write a file, or put files into a folder.
func (u User) MayWrite(e image.Entry) bool {
	return account{uid: *u.UID, gid: *u.GID, groups: u.Groups}.mayWrite(e)
}

// Advice is what could be better about an image, whether it starts or not.
type Advice struct {
	ID      string `json:"id"`
	Summary string `json:"summary"`
	Fix     string `json:"fix"`
}

// Machine is what the image is to start on.
type Machine struct {
	OS, Arch string // as in GOOS and GOARCH
	// Alone says that nothing is registered in its kernel that runs other machines' programs (binfmt_misc); from afar
	// that cannot be known.
	Alone bool
	// Level is which of x86-64's levels the processor has; zero: not known.
	Level int
	// Only64 tells whether its kernel runs no programs of 32 bits; nil: that is not known.
	Only64 func() bool
	// Overrides says that its engine leaves every user what passes over modes (CAP_DAC_OVERRIDE) up to the program's execve.
	Overrides bool
}

// Ended is what an engine recorded of a container's end.
type Ended struct {
	Status    string `json:"status"` // created, running, exited …
	ExitCode  int    `json:"exit_code"`
	Error     string `json:"error"` // of a start that was refused
	OOMKilled bool   `json:"oom_killed"`
	LastLine  string `json:"last_line"` // of its log
}

// Unknown is the diagnosis of what could not be examined.
func Unknown(ref, why string) *Diagnosis {
	return &Diagnosis{Schema: 1, Kind: "doctor", Image: ref, Summary: "cannot tell: " + why,
		Evidence: []Evidence{}, Argv: []string{}, Advice: []Advice{}}
}

// Bounds of what is told: of one text, of one list, and of all texts together. An image may bring
// megabytes, and JSON writes six bytes for one.
const (
	maxText  = 16 << 10
	maxItems = 1000
	maxTold  = 96 << 10
)

// shorten puts an end to every text of a diagnosis; what is cut says so.
func (d *Diagnosis) shorten() *Diagnosis {
	d.Evidence, d.Argv = d.Evidence[:min(len(d.Evidence), maxItems)], d.Argv[:min(len(d.Argv), maxItems)]
	texts := []*string{&d.Summary, &d.Fix.Text, &d.Fix.Dockerfile, &d.User.Configured}
	for i := range d.Evidence {
		texts = append(texts, &d.Evidence[i].Claim, &d.Evidence[i].Path, &d.Evidence[i].Found)
	}
	for i := range d.Advice {
		texts = append(texts, &d.Advice[i].Summary, &d.Advice[i].Fix)
	}
	for i := range d.Argv {
		texts = append(texts, &d.Argv[i])
	}
	left := maxTold
	for _, text := range texts {
		if most := min(maxText, left); len(*text) > most {
			*text = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8((*text)[:most], "·"), len(*text))
		}
		left -= min(left, len(*text))
	}
	return d
}

// Cause names why an image cannot start; the steps' builds and answers have further ones.
type Cause string

// The causes. What is said of each, and which of two is named, stands in texts.yaml.
const (
	UserOutOfRange       Cause = "user-out-of-range"      // USER is a number that no user has
	UnknownUser          Cause = "unknown-user"           // USER names an account that /etc/passwd lacks
	UnknownGroup         Cause = "unknown-group"          // USER names a group that /etc/group lacks
	NoCommand            Cause = "no-command"             // neither ENTRYPOINT nor CMD
	EmptyCommand         Cause = "empty-command"          // the program's name is empty
	WorkdirUnusable      Cause = "workdir-unusable"       // WORKDIR is no folder and cannot become one
	MissingShell         Cause = "missing-shell"          // the shell of a shell form is not there
	DanglingSymlink      Cause = "dangling-symlink"       // a link on the way ends nowhere or in a loop
	NotADirectory        Cause = "not-a-directory"        // a component of the path is a file
	IsDirectory          Cause = "is-directory"           // the path is a folder
	MissingEntrypoint    Cause = "missing-entrypoint"     // the path names nothing
	NotOnPath            Cause = "not-on-path"            // the name is in no folder of PATH
	NotExecutable        Cause = "not-executable"         // no x bit for anyone
	UserCannotExecute    Cause = "user-cannot-execute"    // this user may not run it, or may not reach it
	CRLFInterpreter      Cause = "crlf-interpreter"       // the first line ends in a carriage return
	MissingInterpreter   Cause = "missing-interpreter"    // the script's interpreter is not there
	ExecFormat           Cause = "exec-format"            // the kernel knows no such format
	WrongArchitecture    Cause = "wrong-architecture"     // for another machine
	MissingLoader        Cause = "missing-loader"         // PT_INTERP names nothing
	MissingLibrary       Cause = "missing-library"        // a DT_NEEDED is not found
	MissingSymbolVersion Cause = "missing-symbol-version" // a library lacks a version that is needed of it
	MissingSymbol        Cause = "missing-symbol"         // no library defines a symbol that is needed

	// What the kubelet refuses where a pod says runAsNonRoot.
	RunAsNonRootName Cause = "run-as-non-root-name" // USER is a name
	RunAsNonRootRoot Cause = "run-as-non-root-root" // USER is root, or there is none
)

// Phase is how far a start gets; the steps have one before it, and one after.
type Phase string

const (
	PhaseStart Phase = "start" // the runtime refuses to make the process
	PhaseExec  Phase = "exec"  // execve or the loader fails: the container starts, and exits at once
)
