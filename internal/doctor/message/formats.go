package message

import (
	"regexp"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

// format is one way in which a failed start is worded. Its groups "name" and "errno" are the program and the reason,
// by which the rules tell the causes where the format has none of its own.
type format struct {
	match, unless *regexp.Regexp
	causes        []doctor.Cause
	by            teller
}

// teller is who words it: all of them can be asked for at once.
type teller int

const (
	lookup teller = 1 << iota // a runtime that looks for the program before it makes a process
	execve                    // the kernel, of a program that was found
	spawn                     // who tries to execute without a look before: an init, a cloud
	shell                     // a shell; whoever asks about it has most often seen that the file is there
)

func when(by teller, errno, name string, causes ...doctor.Cause) rule {
	return rule{by, regexp.MustCompile(errno), regexp.MustCompile(name), causes}
}

func of(pattern string, by teller) format {
	return format{match: regexp.MustCompile(strings.ReplaceAll(pattern, "ERRNO", "(?P<errno>"+errno+")")), by: by}
}

func is(pattern string, causes ...doctor.Cause) format {
	return format{match: regexp.MustCompile(pattern), causes: causes}
}

func (f format) but(pattern string) format {
	f.unless = regexp.MustCompile(pattern)
	return f
}

// windows are words beside a message that speak for a script from Windows.
const windows = `(?:(?i:\bwindows\b|powershell)|\.sh\b|entrypoint\b|PS C:)`

// lambda are words beside a message of AWS Lambda.
const lambda = `(?:InvalidEntrypoint|/var/runtime|RequestId|Launch error)`

// elsewhere are lines of those who execute programs in a container that runs, beside it, or before there is one.
var elsewhere = regexp.MustCompile(`(?im)^.*(?:probe (?:failed|errored)|docker-credential|health ?check|\bzsh: exec format|\.service: |` +
	`runc did not terminate|\b(?:docker(?:d|-compose)?|podman|kubectl|kubelet|containerd|crio|nvidia-docker): ` +
	`(?:command not|not found|cannot execute|error while loading)).*$`)

// What execve and stat may answer.
const errno = `(?i:no such file or directory|not found|permission denied|operation not permitted|exec format error|` +
	`not a directory|is a directory|too many levels of symbolic links|accessing a corrupted shared library|input/output error)`

var formats = []format{
	// The kubelet, before it asks a runtime.
	is(`runAsNonRoot and image has non-numeric user`, doctor.RunAsNonRootName),
	is(`runAsNonRoot and image will run as root|runAsUser breaks non-root policy`, doctor.RunAsNonRootRoot),

	// Engines, about accounts, command and folder.
	is(`(?i)unable to find user|no matching entries in (the )?passwd|no users found`, doctor.UnknownUser),
	is(`(?i)unable to find group|no matching entries in (the )?group|no groups found`, doctor.UnknownGroup),
	is(`(?i)uids and gids must be in range|invalid USER value|[ug]id out of range`, doctor.UserOutOfRange),
	is(`(?i)no command specified|no command or entrypoint|no default process a command is required|args must not be empty`,
		doctor.NoCommand).but(`info Commands available`),
	is("exec: \"\":|executable file ['`\"]{2} not found|cannot find `` in \\$PATH", doctor.EmptyCommand),
	is(`(?i)cannot mkdir: .* is not a directory|workdir ".*" (?:.*not a directory|does not exist)| workdir: mkdir .*: not a directory|`+
		`chdir to cwd \(".*"\) .*: not a directory`, doctor.WorkdirUnusable),
	is(`(?:lstat|mkdir) \S*/(?:merged|rootfs|diff)/\S*: not a directory`, doctor.WorkdirUnusable).but(`(?i)mount`),
	is(`container init: mkdir \S+: not a directory`, doctor.WorkdirUnusable),
	is(`chdir to cwd \(".*"\) set in config.json failed: \**permission denied`, doctor.UserCannotExecute, doctor.WorkdirUnusable),
	is(`chdir to cwd \(".*"\) set in config.json failed`, doctor.WorkdirUnusable, doctor.UserCannotExecute),

	// Loaders.
	is("version [`'\"]?\\S+?['\"]? not found \\(required by|Inconsistency detected by ld.so.*version", doctor.MissingSymbolVersion),
	is(`(?i)wrong ELF class`, doctor.MissingLibrary, doctor.WrongArchitecture),
	is(`(?i)invalid ELF header`, doctor.WrongArchitecture, doctor.MissingLibrary, doctor.ExecFormat),
	is(`(?:Could not open|failed to open elf at) '?/lib\S*/ld-`, doctor.WrongArchitecture, doctor.MissingLoader),
	is(`(?i)error (?:while )?loading shared librar(?:y|ies)|cannot open shared object file|\.so\S* => `+
		`not found`, doctor.MissingLibrary).but(
		`running hook|dlerror|krun|nvidia-container`),
	is(`ld-(?:linux|musl)\S*: (?i:no such file|not found|cannot open)`, doctor.MissingLoader),
	is(`symbol lookup error: .*undefined symbol|Error relocating \S+: \S+ symbol not found`, doctor.MissingSymbol),

	// Carriage returns that can be seen.
	is(`(?:sh|env|node|perl|php|python[\d.]*|ruby)['"]?(?:\\r|\^M)|env: '[^'\n]*\\r'|\$'.*\\r'|`+
		`(?i:illegal option) -\s*(?:\n|$)|^': No such file or directory|env: .*'(?:ba)?sh\s+'?:? ?No such file`,
		doctor.CRLFInterpreter, doctor.MissingInterpreter),

	// Runtimes that look for the program: runc, crun, youki, kata; and those above them. CRI-O's users are most often arbitrary.
	is(`(?i:container creat(?:e|ion) (?:failed|error)): .*exec: "[^"\n]*[^"/]": permission denied`,
		doctor.UserCannotExecute, doctor.NotExecutable, doctor.IsDirectory),
	of("exec: (?P<name>\"[^\"\n]*\"): (?P<errno>(?:stat .*?: )?(?:"+errno+
		"|executable file not found|cannot run executable found relative to current directory))", lookup),
	of("executable(?: file)? (?P<name>[`'\"]?[^`'\"\n]*?[`'\"]?) (?:for container )?(?P<errno>not found)(?: in \\$PATH)?", lookup).but(
		`executable file not found`),
	is(`open executable: Operation not permitted`, doctor.IsDirectory, doctor.NotExecutable),
	of("open executable: ERRNO", lookup),
	of("the path (?P<name>`[^`]+`) (?P<errno>exists but it is not executable|is not a regular file)", lookup),
	of("(?:crun|msg=\"?|failed): open (?P<name>`/[^`]+`): "+
		"(?P<errno>(?i:permission denied|not a directory|too many levels of symbolic links))",
		lookup).but("open `/(?:sys|proc|dev|\\S+/merged|\\S+/rootfs)"),
	of(`(?P<errno>executable file not found) in \$PATH`, lookup),
	of("(?i:the executable) (?P<name>`[^`]+`) could (?P<errno>not be found)", lookup),
	of(`the file (?P<name>\S+) was (?P<errno>not found)`, lookup),
	of(`error finding executable (?P<name>"[^"]+") in (?P<errno>PATH)`, lookup),
	of(`Container command(?: '(?P<name>[^']+)')? (?P<errno>not found|could not be invoked)`, lookup),

	// Programs that were found.
	of("exec container process (?:\\(missing dynamic library\\?\\) )?(?P<name>[`'\"]?[^`'\"\n]+[`'\"]?)(?:: ERRNO)?", execve),
	is(`(?s)`+windows+`.*exec user process caused:? "?no such file|exec user process caused:? "?no such file.*`+windows,
		doctor.CRLFInterpreter, doctor.MissingInterpreter, doctor.MissingLoader),
	of(`exec user process caused:? "?ERRNO`, execve),
	of(`(?:^|[^/\w])exec (?P<name>\.{0,2}/?[\w./+@-]+): ERRNO`, execve),
	of(`(?s)starting container process.{0,60}exec: (?P<name>"[^"]*)`, lookup), // cut off: ECS does so after 255 characters
	of(`System error: ERRNO|starting container process caused:? "?ERRNO`, execve),

	// Shells, inits and clouds that execute a program without a look before.
	is(`bad interpreter: No such file|applet not found`, doctor.MissingInterpreter, doctor.CRLFInterpreter),
	is(`bad interpreter: Permission denied`, doctor.NotExecutable, doctor.UserCannotExecute),
	is(`env: (?:can't execute )?['"]?[\w.+-]+(?: [^'"\n]*)?['"]?: No such file or directory`,
		doctor.MissingInterpreter, doctor.CRLFInterpreter, doctor.NotOnPath),
	is(`env: .*invalid option -- 'S'|env: unrecognized option: S`, doctor.MissingInterpreter),
	of(`(?:[Cc](?:an|ould)n?'t execute|failed to (?:run command|spawn command:|load|start:)|unable to exec|\[dumb-init\]|su-exec:) `+
		`(?P<name>'[^']+'|"?/?[^\s":]+"?)(?: inside the vm)?: ERRNO`, spawn),
	of(`(?s)fork/exec (?P<name>\S+): ERRNO.*`+lambda, spawn),
	of(`(?s)`+lambda+`.*fork/exec (?P<name>\S+): ERRNO`, spawn),
	of(`exec (?P<name>\S+) failed: ERRNO`, spawn),
	of(`Failed to execute process '(?P<name>[^']+)': (?P<errno>The file does not exist)`, shell),
	is(`specified the interpreter '[^']+', which is not an executable command`, doctor.MissingInterpreter, doctor.CRLFInterpreter),
	of(`failed to exec pid1: ERRNO`, spawn),
	of(`fork/exec (?P<name>\S+): (?P<errno>(?i:exec format error))`, spawn),
	of(`sh: (?:\d+: |line \d+: )?(?P<name>[^:\n]+): (?P<errno>cannot execute: required file not found)`, execve),
	is(`(?:sh|python[\d.]*)(?:: \d+)?: [Cc]an(?:'t|not) open '?[^:\n]+: Permission denied`, doctor.UserCannotExecute),
	is(`sh(?:: \d+)?: [Cc]an(?:'t|not) open `, doctor.MissingEntrypoint),
	of(`\bexec: (?:line )?\d*:? ?(?P<name>[^\s:"]+): ERRNO`, spawn),
	of(`(?:^|[\s|/])(?:ba|da|a)?sh: (?:\d+: |line \d+: )?(?P<name>[^\s:]+): (?:command )?ERRNO`, shell),
	of(`(?:^|\s)(?P<name>\S+): (?P<errno>cannot execute binary file|cannot execute: required file not found)`, execve),
	is(`(?:line \d+|sh): [^\n]{0,3}ELF[^\n]*not found`, doctor.WrongArchitecture, doctor.ExecFormat),
	of(`(?P<errno>(?i:exec format error))`, execve),
	is(`Application exec likely failed`, doctor.WrongArchitecture, doctor.ExecFormat, doctor.MissingLoader),

	// A platform that is refused, and what is left: the status of the process.
	is(`(?:was found but|does not match|not match) (?:its |the specified )platform`, doctor.WrongArchitecture),
	is(`(?i)exit(?:ed)?(?: with)?(?: status| code)?:?\s+\(?127\b`, doctor.NotOnPath, doctor.MissingEntrypoint, doctor.MissingLibrary),
	is(`(?i)exit(?:ed)?(?: with)?(?: status| code)?:?\s+\(?126\b`, doctor.NotExecutable, doctor.UserCannotExecute, doctor.IsDirectory),
}

// rule tells the causes by who words it, by the reason, and by the program's name.
type rule struct {
	by          teller
	errno, name *regexp.Regexp
	causes      []doctor.Cause
}

// What a program's name may be.
const (
	named   = `.`
	bare    = `^[^/\s]+(?:\s|$)`
	aShell  = `^(?:/usr)?(?:/local)?(?:/bin/|/busybox/)?(?:ba|da|a|z|k)?sh$`
	aScript = `\.(?:sh|bash|py|rb|pl|js)$|entry-?point|(?:^|/)(?:gradlew|mvnw|artisan|manage)$|^/init$`
)

const denied = `denied|not permitted|not executable|not be invoked`

// rules go from what speaks for one cause alone to what is left: the first that fits decides.
var rules = []rule{
	when(lookup|spawn|shell, `not a directory`, ``, doctor.NotADirectory, doctor.MissingEntrypoint),
	when(lookup|spawn|shell, `is a directory`, ``, doctor.IsDirectory),
	when(lookup, `too many levels`, ``, doctor.DanglingSymlink),
	when(lookup, `not a regular file`, ``, doctor.IsDirectory, doctor.NotExecutable),
	when(lookup, `relative to current directory`, ``, doctor.NotOnPath),

	when(lookup|execve|spawn|shell, `corrupted`, ``, doctor.WrongArchitecture),
	when(lookup|execve, `input/output|too many levels`, ``, doctor.ExecFormat, doctor.DanglingSymlink),
	when(lookup|execve|spawn|shell, `format error|binary file`, ``, doctor.WrongArchitecture, doctor.ExecFormat),

	when(execve, denied, ``, doctor.UserCannotExecute, doctor.NotExecutable),
	when(lookup, `denied`, `/$`, doctor.IsDirectory, doctor.NotExecutable, doctor.UserCannotExecute),
	when(lookup, `stat.*denied`, ``, doctor.UserCannotExecute, doctor.NotExecutable),
	when(lookup|spawn|shell, denied, ``, doctor.NotExecutable, doctor.UserCannotExecute, doctor.IsDirectory),

	when(execve, ``, aScript, doctor.CRLFInterpreter, doctor.MissingInterpreter, doctor.MissingLoader),
	when(execve, ``, ``, doctor.MissingLoader, doctor.CRLFInterpreter, doctor.MissingInterpreter),

	when(shell, ``, `^\[`, doctor.MissingEntrypoint, doctor.NotOnPath), // an exec form that is no JSON is a shell's text
	when(lookup, ``, `^(?:ba|da|a|z|k)?sh$`, doctor.NotOnPath, doctor.MissingShell),
	when(lookup, ``, bare, doctor.NotOnPath, doctor.MissingEntrypoint, doctor.NotExecutable),
	when(spawn|shell, ``, bare, doctor.NotOnPath, doctor.MissingEntrypoint),
	when(lookup, ``, aShell, doctor.MissingShell, doctor.MissingEntrypoint, doctor.DanglingSymlink),
	when(spawn|shell, ``, aShell, doctor.MissingShell, doctor.MissingLoader),
	when(spawn|shell, ``, aScript, doctor.CRLFInterpreter, doctor.MissingEntrypoint, doctor.MissingInterpreter),
	when(lookup, ``, named, doctor.MissingEntrypoint, doctor.DanglingSymlink, doctor.NotOnPath),
	when(lookup, ``, ``, doctor.NotOnPath, doctor.MissingEntrypoint, doctor.MissingShell),
	when(spawn, ``, ``, doctor.MissingEntrypoint, doctor.MissingLoader, doctor.MissingInterpreter),
	when(shell, ``, ``, doctor.MissingLoader, doctor.MissingEntrypoint, doctor.MissingInterpreter),
}
