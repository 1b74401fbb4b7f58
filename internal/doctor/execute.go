package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
)

// execute is the fifth stage: execve, and what it leads to.
func (x *examination) execute(ctx context.Context) (*finding, error) {
	x.d.ProgramBytes = x.program.Size
	return x.exec(ctx, x.program, 0)
}

// exec does what the kernel's execve does with a file that may be executed:
// a script leads to its interpreter, an ELF file to its loader.
func (x *examination) exec(ctx context.Context, file place, depth int) (*finding, error) {
	head, err := x.files.head(ctx, file.Path, headBytes)
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		return x.script(ctx, file, head, depth)
	case bytes.HasPrefix(head, []byte(elf.Magic)):
		return x.elf(ctx, file)
	}
	return x.badFormat(file, formatOf(head)), nil
}

func (x *examination) badFormat(file place, found string) *finding {
	return &finding{cause: ExecFormat, missing: x.d.Program, facts: facts{Name: x.d.Program, At: file.Path, Found: found},
		evidence: []Evidence{
			{"the program to start", x.source(), fmt.Sprintf("%q", x.d.Argv)},
			{"its first bytes, by which the kernel tells the format", file.Path, found},
		}}
}

// formatOf says what a file is that the kernel does not know.
func formatOf(head []byte) string {
	start := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case len(head) == 0:
		return "the file is empty"
	case start("\xef\xbb\xbf#!"):
		return "a byte order mark (EF BB BF) stands before the #!"
	case start("\xff\xfe"), start("\xfe\xff"):
		return "text in UTF-16"
	case start("\xcf\xfa\xed\xfe"), start("\xce\xfa\xed\xfe"), start("\xca\xfe\xba\xbe"), start("\xfe\xed\xfa"):
		return "a program for macOS (Mach-O), or Java classes"
	case start("MZ"):
		return "a program for Windows (PE)"
	case start("\x1f\x8b"), start("PK\x03\x04"), start("BZh"), start("\xfd7zXZ"), start("\x28\xb5\x2f\xfd"):
		return "an archive, not unpacked"
	case start("!<arch>\n"):
		return "a static library, not linked (ar)"
	case start("\x7fE") && !start(elf.Magic):
		return fmt.Sprintf("a broken ELF header (% x)", head[:min(4, len(head))])
	case bytes.IndexByte(head, 0) < 0:
		line, _, _ := bytes.Cut(head, []byte("\n"))
		return fmt.Sprintf("text without a #! line: %q", string(line[:min(40, len(line))]))
	}
	return fmt.Sprintf("no known format (% x)", head[:min(8, len(head))])
}

// script follows a #! line to the interpreter (fs/binfmt_script.c).
func (x *examination) script(ctx context.Context, file place, head []byte, depth int) (*finding, error) {
	line, ok := parseShebang(head)
	if !ok {
		return x.badFormat(file, "a #! line that names no interpreter, or is longer than the kernel reads"), nil
	}
	if depth >= maxScripts {
		return x.badFormat(file, fmt.Sprintf("more than %d scripts are each other's interpreters (ELOOP)", maxScripts)), nil
	}
	asked := Evidence{"the script's first line names its interpreter", file.Path, fmt.Sprintf("%q", "#!"+line.line)}
	at, err := x.files.resolve(ctx, line.interp, x.as)
	if found, err := x.interpreter(file, line, line.interp, asked, at, err); found != nil || err != nil {
		return found, err
	}
	if found, err := x.exec(ctx, at, depth+1); found != nil || err != nil {
		return found, err
	}
	if path.Base(line.interp) == "env" && line.arg != "" {
		return x.byEnv(ctx, file, line, asked, depth)
	}
	return nil, nil
}

// interpreter judges where an interpreter's path led to; nil: it may be executed.
func (x *examination) interpreter(file place, line shebang, name string, asked Evidence, at place, err error) (*finding, error) {
	f := &finding{cause: MissingInterpreter, phase: PhaseExec, missing: name,
		facts:    facts{Name: name, At: file.Path, Line: "#!" + line.line, Target: name, User: x.describeUser(), Instr: x.instruction()},
		evidence: []Evidence{asked}}
	if !strings.Contains(name, "/") {
		f.facts.Target, f.facts.Words = target(x.env["PATH"], name), x.oneWord(name)
	}
	var way *lookupError
	switch {
	case errors.As(err, &way) && way.kind == running:
		return unknown("%s is the running system's, not the image's", way.at), nil
	case errors.As(err, &way):
		f.evidence = append(f.evidence, Evidence{"the interpreter", way.at, way.Error()})
		if way.kind == closed {
			f.cause, f.facts.Closed, f.facts.At = UserCannotExecute, true, way.at
		}
		if line.crlf && strings.HasSuffix(name, "\r") {
			f.cause, f.missing = CRLFInterpreter, name
			f.facts.Name = strings.TrimSuffix(name, "\r")
			f.evidence = append(f.evidence, Evidence{"the line ends as on Windows, and the carriage return becomes part of the name", file.Path, fmt.Sprintf("%q", name)})
		}
		return f, nil
	case err != nil:
		return nil, err
	}
	if found := x.mayExecute(at, name, asked, PhaseExec); found != nil {
		return found, nil
	}
	return nil, nil
}

// oneWord is the line that was meant where env got several words as one; empty where it got one.
func (x *examination) oneWord(name string) string {
	words := strings.Fields(name)
	if len(words) < 2 {
		return ""
	}
	at := target(x.env["PATH"], words[0])
	for _, dir := range searched(x.env["PATH"], words[0]) {
		found, err := x.files.resolve(context.Background(), path.Join(dir, words[0]), x.as)
		if err == nil && found.Mode.IsRegular() {
			at = found.Path
			break
		}
	}
	return "#!" + strings.Join(append([]string{at}, words[1:]...), " ")
}

// byEnv finds what `#!/usr/bin/env NAME` finds: env searches PATH with execvp.
// Only then the script has started.
func (x *examination) byEnv(ctx context.Context, file place, line shebang, asked Evidence, depth int) (*finding, error) {
	name, env, ok := envCommand(line.arg, x.env)
	if !ok {
		return nil, nil // env itself has started, and what it does then is its own affair
	}
	if strings.Contains(name, "/") {
		at, err := x.files.resolve(ctx, name, x.as)
		if found, err := x.interpreter(file, line, name, asked, at, err); found != nil || err != nil {
			return found, err
		}
		return x.exec(ctx, at, depth+1)
	}
	search, set := env["PATH"]
	if !set {
		search = "/bin:/usr/bin" // the C library's own (confstr _CS_PATH)
	}
	dirs := searched(search, name)
	var denied *finding
	for _, dir := range dirs {
		if x.files.absent(ctx, strings.TrimSuffix(dir, "/")+"/"+name) {
			continue
		}
		at, err := x.files.resolve(ctx, strings.TrimSuffix(dir, "/")+"/"+name, x.as)
		var way *lookupError
		if errors.As(err, &way) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if f := x.mayExecute(at, at.Path, asked, PhaseExec); f != nil {
			if f.cause != IsDirectory && denied == nil {
				denied = f
			}
			continue // execvp goes on after EACCES
		}
		return x.exec(ctx, at, depth+1)
	}
	if denied != nil {
		return denied, nil
	}
	return x.interpreter(file, line, name, asked, place{}, &lookupError{kind: absent, path: name, at: search})
}
