package doctor

// Cause names why an image cannot start.
type Cause string

// The causes, in their order of precedence: where two fit, the first is named.
const (
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
)

// Causes are all of them, by precedence.
var Causes = []Cause{
	UnknownUser, UnknownGroup, NoCommand, EmptyCommand, WorkdirUnusable, MissingShell, DanglingSymlink,
	NotADirectory, IsDirectory, MissingEntrypoint, NotOnPath, NotExecutable, UserCannotExecute, CRLFInterpreter,
	MissingInterpreter, ExecFormat, WrongArchitecture, MissingLoader, MissingLibrary, MissingSymbolVersion, MissingSymbol,
}

// How far a start gets.
const (
	PhaseStart = "start" // the runtime refuses to make the process
	PhaseExec  = "exec"  // execve or the loader fails: the container starts, and exits at once
)

// Phase is how far a start gets with this cause, as runc 1.1 was seen to do it.
// A Diagnosis knows better than the cause alone: see Diagnosis.Phase.
func (c Cause) Phase() string {
	switch c {
	case CRLFInterpreter, MissingInterpreter, ExecFormat, WrongArchitecture,
		MissingLoader, MissingLibrary, MissingSymbolVersion, MissingSymbol:
		return PhaseExec
	}
	return PhaseStart
}
