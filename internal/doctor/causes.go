package doctor

// table holds every cause, ordered by what people meet first: shell, loader, user.
var table = []entry{
	{
		cause: MissingShell, title: "The shell of a shell form is not in the image",
		meaning: "`ENTRYPOINT /app` (the shell form) means `/bin/sh -c /app`. Images from `scratch` and most distroless ones hold " +
			"no shell.",
		summary: "{{if .Lacks}}{{.At}} is there, and knows no {{.Lacks}}; {{else}}{{.Name}} is not in the image, and {{end}}the shell " +
			"form needs it: {{if .Command}}{{.Command}} would be run by it{{else}}it runs the command{{end}}",
		fix: "Use the exec form, which needs no shell.{{if not .JSON}} The command uses what only a shell does (variables, operators, " +
			"quotes): " +
			"do that in the program, or take a base image that has a shell.{{end}}",
		dockerfile: "{{if .JSON}}{{.Instr}} {{.JSON}}{{else}}COPY --from=busybox:musl {{copy \"/bin/busybox\" .Name}}{{end}}",
		proof: "`docker image inspect --format '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' IMAGE` begins with `/bin/sh -c`, " +
			"and `docker cp CONTAINER:/bin/sh -` finds nothing.",
		example: facts{Name: "/bin/sh", Command: "/app", Instr: "ENTRYPOINT"},
	},
	{
		cause: MissingLoader, title: "The dynamic loader that the program asks for is not in the image",
		meaning: "A dynamically linked program names a loader (ELF PT_INTERP), which the kernel starts in its stead. The message names " +
			"the program, which is there; " +
			"what is missing is the loader. Go links dynamically where cgo is on and a package uses C, such as `net`.",
		summary: "{{.At}} is linked dynamically and asks for the loader {{.Loader}}{{if .Libc}} ({{.Libc}}){{end}}, which is not in the " +
			"image{{if .Machine}}; it is a 32-bit program (i386){{end}}",
		fix: "{{if .PIE}}It needs no library, and asks for a loader only because of -buildmode=pie: build without. {{else if .Go}}Build " +
			"without cgo (CGO_ENABLED=0), if the program can do without: pure Go can. If it needs C (SQLite, for one), link statically " +
			"(-ldflags '-linkmode external -extldflags -static'), or c{{else if .Machine}}Install the 32-bit C library (Debian: " +
			"libc6:i386; Fedora: glibc.i686), or c{{else}}C{{end}}{{if not .PIE}}" +
			"opy the loader and the libraries along, or take a base image that has {{if .Libc}}{{.Libc}}{{else}}them{{end}}.{{if eq .Of " +
			"\"Rust\"}} Rust: the target x86_64-unknown-linux-musl needs none of them.{{end}}" +
			"{{if eq .Of \".NET\"}} .NET: publish for the C library that the image has (linux-x64, linux-musl-x64).{{end}}{{if eq .Of " +
			"\"a distribution\"}} It is a distribution's: better install its package in this image.{{end}}{{end}}",
		dockerfile: "{{if .PIE}}# in the stage with go build\nRUN CGO_ENABLED=0 go build -buildmode=exe -o {{shell .At}} .{{else if " +
			".Go}}# above the line with go build\nENV CGO_ENABLED=0{{else}}{{.Copies}}{{end}}",
		proof:   "`readelf -l PROGRAM | grep interpreter`, and look for that path in the image.",
		example: facts{At: "/app", Loader: "/lib/ld-musl-x86_64.so.1", Libc: "musl", Go: true},
	},
	{
		cause: UnknownUser, title: "USER names an account that the image does not have",
		meaning: "A name must be in the image's own /etc/passwd. A number need not be anywhere.",
		summary: "{{if .By}}{{.By}} is to become{{else}}USER is{{end}} {{printf \"%q\" .User}}, and the image's /etc/passwd knows no " +
			"{{printf \"%q\" .Name}}",
		fix: "Use numbers, which need no account file (and satisfy Kubernetes' runAsNonRoot); or copy a passwd file that has " +
			"the name.",
		dockerfile: "USER 12345:12345",
		proof:      "`docker cp CONTAINER:/etc/passwd -`: no line begins with the name.",
		example:    facts{User: "echo", Name: "echo"},
	},
	{
		cause: UserOutOfRange, title: "USER is a number that no user has",
		meaning:    "Users and groups are the numbers from 0 to 2147483647. Engines refuse others before anything starts.",
		summary:    "USER is {{printf \"%q\" .User}}, and {{.Name}} is not a number from 0 to 2147483647",
		fix:        "Take a number in the range.",
		dockerfile: "USER 12345:12345",
		proof:      "`docker image inspect --format '{{.Config.User}}' IMAGE`.",
		example:    facts{User: "4000000000", Name: "4000000000"},
	},
	{
		cause: UnknownGroup, title: "USER names a group that the image does not have",
		meaning: "The part after the colon must be in the image's own /etc/group. A number need not be anywhere.",
		summary: "{{if .By}}{{.By}} is to become{{else}}USER is{{end}} {{printf \"%q\" .User}}, and the image's /etc/group knows no " +
			"{{printf \"%q\" .Name}}",
		fix:        "Use numbers, which need no account file; or copy a group file that has the name.",
		dockerfile: "USER 12345:12345",
		proof:      "`docker cp CONTAINER:/etc/group -`: no line begins with the name.",
		example:    facts{User: "echo:echo", Name: "echo"},
	},
	{
		cause: MissingEntrypoint, title: "The program is not where ENTRYPOINT or CMD says",
		meaning: "The path names nothing in the image: a typo, a COPY to elsewhere, a build that wrote to another name.",
		summary: "{{if .Lacks}}{{.At}} is there, and knows no {{.Lacks}}{{else}}the program {{.Name}} is not in the image: {{.At}} " +
			"is not there{{if .Hidden}} (the runtime mounts something over it){{end}}{{end}}",
		fix: "{{if .Lost}}Layer {{.Layer}} takes {{.Lost}} away: copy it after that. {{end}}{{if .Lacks}}Take one that knows " +
			"it, or name another program.{{else if .Words}}Give each argument a string of its own.{{else if .Hidden}}Put the program " +
			"where nothing is mounted.{{else}}Copy the program to {{.Target}}, or name the path where it is.{{end}}",
		dockerfile: "{{if .Lacks}}COPY --from=busybox:musl {{copy \"/bin/busybox\" .At}}{{else if .Words}}{{.Words}}{{else if " +
			".Hidden}}COPY --from=build /app /app\n{{.Instr}} [\"/app\"]{{else}}COPY --from=build {{copy (or .Lost .Target) " +
			".Target}}{{end}}",
		proof:   "`docker cp CONTAINER:PATH -` finds nothing.",
		example: facts{Name: "/app", At: "/app", Target: "/app"},
	},
	{
		cause: NotOnPath, title: "The program is in no folder of PATH",
		meaning: "A name without a slash is searched for in the folders of PATH: the image's `ENV PATH`, else the engine's default.",
		summary: "{{printf \"%q\" .Name}} is in no folder of PATH ({{.Path}})",
		fix: "{{if .Lost}}Layer {{.Layer}} takes {{.Lost}} away: copy it after that. {{end}}{{if .Words}}Give each word a string " +
			"of its own, and write the program's whole path.{{else}}Copy the program into a folder of PATH, with an x bit, or write its " +
			"whole path.{{end}}",
		dockerfile: "{{if .Words}}{{.Words}}{{else}}{{if not .Path}}ENV PATH=/usr/local/bin:/usr/bin:/bin\n{{end}}COPY --chmod=755 " +
			"--from=build {{copy (or .Lost .Target) .Target}}{{end}}",
		proof:   "Look for the name in each folder of PATH, and whether it has an x bit there.",
		example: facts{Name: "app", Path: defaultPath, Target: "/usr/local/bin/app"},
	},
	{
		cause: NotExecutable, title: "The file has no x bit",
		meaning:    "Nobody, not even root, may execute a file without an x bit. Zip files, Windows and artifact stores lose it.",
		summary:    "{{.At}} is there, but nobody may execute it: it has no x bit, or is no regular file",
		fix:        "Give it the x bit when it is copied.",
		dockerfile: "COPY --chmod=755 --from=build {{copy .At .Name}}",
		proof:      "`docker cp CONTAINER:PATH - | tar tv` shows no x.",
		example:    facts{Name: "/app", At: "/app"},
	},
	{
		cause: UserCannotExecute, title: "This user may not execute the file, or not reach it",
		meaning: "The file has an x bit, but not for this user; or a folder on the way lets the user not through. " +
			"Docker from 24 on and containerd start it all the same, where a mode alone is at fault: they take root's rights from the " +
			"user only after that. " +
			strictEngines + " do not.",
		summary: "{{if .Capability}}{{.Name}} demands {{.Capability}}, which containers do not have{{else if .Switch}}{{.Name}} is " +
			"to become another user, which only root may, and the process runs as {{.User}}{{else if .Read}}the process runs as " +
			"{{.User}}, which may not read {{.At}}: a script is read by its interpreter, an x bit is not enough{{else}}the process runs " +
			"as {{.User}}, which may not execute {{.Name}}{{if ne .Name .At}} (see {{.At}}){{end}}{{end}}",
		fix: "{{if .Capability}}Take the capability from the file where it comes from, or start with " +
			"`--cap-add={{.Capability}}`.{{else if .Switch}}Start as root, or name the program without it.{{else if .Closed}}Open " +
			"{{.At}} to the user, or put the program where it is open.{{else if .Read}}Let the user read it, too (755 instead of " +
			"711).{{else}}Open the file to the user, or let the user own it.{{end}}",
		dockerfile: "{{if .Switch}}USER 0:0{{else if .Capability}}# where the file comes from, before it is copied\nRUN setcap -r " +
			"{{shell .Name}}{{else if .Closed}}COPY --chmod=755 --from=build {{copy .Name \"/app\"}}\n{{or .Words (printf \"%s %s\" " +
			".Instr (list \"/app\"))}}{{else}}COPY --chmod=755 --from=build {{copy .At .Name}}{{end}}",
		proof:   "`docker cp CONTAINER:PATH - | tar tv` for the file and each folder on the way, against the user's numbers.",
		example: facts{User: "uid 12345, gid 12345", Name: "/app", At: "/app"},
	},
	{
		cause: WrongArchitecture, title: "The program is for another machine",
		meaning: "Built on an ARM laptop, started on an Intel server, or the other way round; or an interpreter or loader copied " +
			"from an image for another machine.",
		summary:    "{{.At}} is for {{.Machine}}, and {{.Wants}} is what is needed here",
		fix:        "Build for the machine it is to run on: --platform for the image, GOARCH for Go.",
		dockerfile: "FROM --platform=linux/{{.Wants}} golang AS build",
		proof:      "`readelf -h PROGRAM | grep Machine`, against `docker info --format '{{.Architecture}}'`.",
		example:    facts{At: "/app", Machine: "arm64", Wants: "amd64"},
	},
	{
		cause: ExecFormat, title: "The kernel knows no such format",
		meaning: "The file has the x bit, but is neither an ELF program nor a script with a #! line: empty, cut off, text, or for " +
			"another system.",
		summary: "{{.At}} is nothing that Linux can execute: {{.Found}}",
		fix: "{{if .Shared}}Build a program: without -shared, -buildmode=c-shared or plugin.{{else if .Archive}}Go makes such " +
			"an archive of a package that is not main: build the folder that has package main.{{else}}For a script: make " +
			"`#!/path/of/the/interpreter` its very first bytes. For a program: {{if .Wants}}build it for Linux{{else}}copy it whole, " +
			"unpacked and linked{{end}}.{{end}}",
		dockerfile: "{{if .Shared}}RUN go build -buildmode=exe -o {{shell .At}} .{{else if .Archive}}RUN go build -o {{shell .At}} " +
			"./path/of/package/main{{else if .Wants}}# above the line with go build\nENV GOOS=linux{{else}}COPY --chmod=755 " +
			"--from=build {{copy .At .At}}{{end}}",
		proof:   "`docker cp CONTAINER:PATH - | tar xO | head -c 16 | xxd`.",
		example: facts{At: "/app", Found: "text without a #! line", Wants: "linux"},
	},
	{
		cause: MissingInterpreter, title: "The script's interpreter is not in the image",
		meaning: "The first line of a script names its interpreter; or has `env` find it on PATH. The message names the script, " +
			"which is there.",
		summary: "{{if .Line}}{{.At}} is a script ({{.Line}}), and its interpreter {{end}}{{.Name}} {{if .Lacks}}is there, and knows " +
			"no {{.Lacks}}{{else}}is not in the image{{end}}",
		fix: "{{if .Words}}The kernel hands all that follows `env` over as one word: name the interpreter's path itself (or use " +
			"`env -S`, where env knows it).{{else}}Name an interpreter that the image has, copy it along with what it needs, or take a " +
			"base image that has it.{{end}}",
		dockerfile: "{{if .Words}}RUN sed -i {{shell (printf \"1s|.*|%s|\" (sed .Words))}} {{shell .At}}{{else}}{{if .Tree}}COPY " +
			"--from=build {{copy .Tree .Tree}}{{else}}COPY --chmod=755 --from=build {{copy .Target .Target}}{{end}}{{end}}",
		proof:   "The script's first line, and look for that path in the image.",
		example: facts{At: "/start.sh", Name: "/bin/bash", Line: "#!/bin/bash", Target: "/bin/bash"},
	},
	{
		cause: CRLFInterpreter, title: "The script's first line ends as on Windows",
		meaning: "The carriage return becomes part of the interpreter's name: the kernel looks for \"/bin/sh\\r\". Git does that on " +
			"Windows (core.autocrlf).",
		summary: "the first line of {{.At}} ends in a carriage return, so {{if .Option}}{{.Name}} is given the option {{printf " +
			"\"%q\" .Option}} followed by one, which it does not know{{else}}its interpreter is {{printf \"%q\" .Name}} followed by " +
			"one, which is not there{{end}}",
		fix: "Save the script with LF line ends (and `* text=auto eol=lf` in .gitattributes, so that it stays so).",
		dockerfile: "{{if not .Sed}}# where the script comes from, before it is copied\n{{end}}RUN {{or .Sed \"sed\"}} -i 's/\\r$//' " +
			"{{shell .At}}",
		proof:   "`head -1 SCRIPT | od -c`: \\r stands before \\n.",
		example: facts{At: "/start.sh", Name: "/bin/sh"},
	},
	{
		cause: MissingLibrary, title: "A shared library is not found",
		meaning: "The loader is there, but one of the libraries that the program or another library needs is in no folder that the " +
			"loader searches.",
		summary: "{{.At}} needs the library {{.Library}}, which the loader does not find in the image",
		fix: "{{if .Foreign}}The program is for glibc, and the C library here is musl: no library of glibc's works with that. {{if " +
			".Go}}Build without cgo, or t{{else}}T{{end}}ake a base image with glibc.{{else}}Copy the library into a folder that the " +
			"loader searches, install its package, or link statically{{if .Go}} (pure Go: CGO_ENABLED=0){{end}}.{{end}}" +
			"{{if eq .Of \"Rust\"}} Rust: the target x86_64-unknown-linux-musl needs none.{{end}}{{if eq .Of \"a distribution\"}} It is " +
			"a distribution's: its package brings what it needs.{{end}}",
		dockerfile: "{{if .Foreign}}{{if .Go}}# above the line with go build\nENV CGO_ENABLED=0{{else}}FROM " +
			"debian:stable-slim{{end}}{{else}}{{.Copies}}{{end}}",
		proof: "`readelf -d PROGRAM | grep NEEDED`, and look for each in the folders that the loader searches; `ldd` in the build " +
			"stage names them.",
		example: facts{At: "/app", Library: "libsqlite3.so.0", Copies: "COPY --chmod=755 --from=build " +
			"/usr/lib/x86_64-linux-gnu/libsqlite3.so.0 /usr/lib/libsqlite3.so.0"},
	},
	{
		cause: MissingSymbolVersion, title: "A library is older than the program",
		meaning: "The program was built against a newer library than the image has: most often glibc, from a newer distribution in " +
			"the build stage.",
		summary: "{{.At}} needs the version {{.Version}} of {{.Library}}, which that does not have: {{if .Bare}}its symbols have no " +
			"versions, it is another build of it{{else}}it is older than the one of the build{{end}}",
		fix: "{{if .Copies}}Copy the library that it was built against, or b{{else}}B{{end}}uild on the same distribution, or an " +
			"older one, than the image's base; or link statically{{if .Go}} (pure Go: CGO_ENABLED=0){{end}}.",
		dockerfile: "{{if .Copies}}{{.Copies}}{{else}}# build on what the image is from\nFROM debian:12 AS build\nFROM debian:12{{end}}",
		proof:      "`readelf -V PROGRAM` against `readelf -V LIBRARY`.",
		example:    facts{At: "/app", Library: "/lib/x86_64-linux-gnu/libc.so.6", Version: "GLIBC_2.38"},
	},
	{
		cause: MissingSymbol, title: "No library defines a symbol that the program needs",
		meaning: "Most often a program for glibc on musl, with a link in the loader's place (libc6-compat): the loader starts, and " +
			"lacks glibc's own symbols.",
		summary: "{{.At}} needs the symbol {{.Symbol}}, and none of the libraries in the image defines it{{if eq .Libc \"musl\"}} " +
			"(the C library is musl){{end}}",
		fix: "Build against the C library that the image has, or take a base image with the one it was built against; or link " +
			"statically{{if .Go}} (pure Go: CGO_ENABLED=0){{end}}.",
		dockerfile: "# musl, as below\nFROM golang:alpine AS build\nFROM alpine",
		proof:      "`readelf -W --dyn-syms PROGRAM | grep UND` against the libraries'.",
		example:    facts{At: "/app", Symbol: "__printf_chk@GLIBC_2.3.4", Libc: "musl"},
	},
	{
		cause: DanglingSymlink, title: "A link on the way to the program ends nowhere",
		meaning: "The program, or a folder on its way, is a symbolic link to what is not in the image, or in a circle. COPY of a " +
			"link copies the link.",
		summary: "{{.Name}} is reached through the link {{.Link}}, which ends nowhere",
		fix:     "Copy what the link points to as well, or name the file itself.",
		dockerfile: "{{if .Loop}}COPY --from=build /app /app\n{{or .Words (printf \"%s %s\" .Instr (list \"/app\"))}}{{else}}COPY " +
			"--from=build {{copy .Target .Target}}{{end}}",
		proof:   "`docker cp CONTAINER:PATH - | tar tv` shows the link, and where it points to there is nothing.",
		example: facts{Name: "/app", Link: "/app -> /opt/app", Target: "/opt/app"},
	},
	{
		cause: NotADirectory, title: "A component of the path is a file",
		meaning: "The path goes on behind a file, as in /app/app where /app is the program itself. COPY to a name without a trailing " +
			"slash makes a file.",
		summary:    "{{.Name}} leads through {{.At}}, which is a file and no folder",
		fix:        "Name the file itself, or copy into a folder (with a trailing slash).",
		dockerfile: "{{or .Words (printf \"%s %s\" .Instr (list .At))}}",
		proof:      "`docker cp CONTAINER:FOLDER - | tar tv` shows a file.",
		example:    facts{Name: "/app/app", At: "/app", Instr: "ENTRYPOINT"},
	},
	{
		cause: IsDirectory, title: "The path is a folder",
		meaning:    "The program's path names a folder; most often the program is inside it, under the same name.",
		summary:    "{{.Name}} is a folder, not a program",
		fix:        "Name the program inside the folder.",
		dockerfile: "{{or .Words (printf \"%s %s\" .Instr (list .Target))}}",
		proof:      "`docker cp CONTAINER:PATH - | tar tv` shows a d.",
		example:    facts{Name: "/app", Target: "/app/app", Instr: "ENTRYPOINT"},
	},
	{
		cause: NoCommand, title: "The image names no program",
		meaning: "Neither ENTRYPOINT nor CMD is set. Setting ENTRYPOINT clears a CMD that came with the base image.",
		summary: "{{if .Name}}{{.Name}} is given no program to start: CMD is empty{{else}}the image has neither ENTRYPOINT nor CMD, " +
			"so there is nothing to start{{end}}",
		fix:        "Name the program.",
		dockerfile: "{{if .Name}}CMD{{else}}ENTRYPOINT{{end}} [\"/app\"]",
		proof:      "`docker image inspect --format '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' IMAGE`.",
	},
	{
		cause: EmptyCommand, title: "The program's name is empty",
		meaning:    "The first word of ENTRYPOINT or CMD is the empty string; most often a variable that had no value.",
		summary:    "the first word of the command, the program's name, is empty",
		fix:        "Name the program.",
		dockerfile: "ENTRYPOINT [\"/app\"]",
		proof:      "`docker image inspect --format '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' IMAGE`.",
	},
	{
		cause: WorkdirUnusable, title: "WORKDIR is a file",
		meaning:    "The process begins in WORKDIR. A missing folder is created at the start; a file in its place is not replaced.",
		summary:    "WORKDIR is {{.Name}}, and {{.At}} is no folder",
		fix:        "Name a folder, or move the file.",
		dockerfile: "WORKDIR /",
		proof:      "`docker cp CONTAINER:WORKDIR - | tar tv` shows a file.",
		example:    facts{Name: "/app", At: "/app"},
	},
}

func entryOf(c Cause) *entry {
	for _, rows := range [][]entry{table, refusals} {
		for i := range rows {
			if rows[i].cause == c {
				return &rows[i]
			}
		}
	}
	return nil
}

// Title is the cause in a few words.
func (c Cause) Title() string { return entryOf(c).title }

// Meaning is what it is.
func (c Cause) Meaning() string { return entryOf(c).meaning }

// Proof is how to check it by hand.
func (c Cause) Proof() string { return entryOf(c).proof }

// Page is where the repo says more of it.
func (c Cause) Page() string { return "docs/causes/" + string(c) + ".md" }
