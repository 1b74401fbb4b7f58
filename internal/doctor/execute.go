package doctor

import (
	"bytes"
	"context"
	debug "debug/elf"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// maxTurns is how many programs may start each other before the doctor stops following.
const maxTurns = 32

// process is a program that is to be executed: by the runtime, or in turn by a program that has started.
type process struct {
	name  string   // as execve gets it
	argv  []string // and its words
	env   map[string]string
	at    place
	asked Evidence // who asks for it
	line  *shebang // where a script's first line does
	depth int      // of scripts that are each other's interpreters

	orShell string   // the shell that a file without a known format is given to; empty: none
	box     []string // applets that it starts without a file
}

// execute is the stage of execve, and of what that leads to.
func (x *examination) execute(ctx context.Context) error {
	x.d.ProgramBytes = x.program.Size
	as := x.as
	defer func() { x.as = as }() // a program on the way may change it
	return x.exec(ctx, process{name: x.d.Program, argv: x.d.Argv, env: x.env, at: x.program, asked: x.first()})
}

func (x *examination) first() Evidence {
	return Evidence{"the program to start", x.source(), fmt.Sprintf("%q", x.d.Argv)}
}

// exec does what the kernel's execve does with a file that may be executed: a script leads to
// its interpreter, an ELF file to its loader; and then what the program starts in turn.
func (x *examination) exec(ctx context.Context, p process) error {
	x.pastStart = true
	if err := x.turn(p); err != nil {
		return err
	}
	head, err := x.files.beginning(ctx, p.at.Path, headBytes)
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		return x.script(ctx, p, head)
	case bytes.HasPrefix(head, []byte(debug.ELFMAG)):
		if err := x.elf(ctx, p); err != nil {
			return err
		}
		x.as.past = nil
		return x.inTurn(ctx, p)
	}
	if p.orShell != "" && bytes.IndexByte(head, 0) < 0 {
		if sh, there, _ := x.files.look(ctx, p.orShell, x.as); there && sh.Mode.IsRegular() && x.as.mayRun(sh.Entry) {
			return x.launch(ctx, process{name: p.orShell, argv: append([]string{p.orShell, p.name}, p.argv[1:]...), env: p.env,
				asked: Evidence{"a text without a #! line: whoever starts it hands it to a shell", p.at.Path, p.orShell}})
		}
	}
	return x.badFormat(p, formatOf(head))
}

// turn counts a program that starts, and takes from the budget what is kept of it: its environment,
// and its words, which the evidence quotes.
func (x *examination) turn(p process) error {
	if x.turns++; x.turns > maxTurns {
		return unknown("more than %d programs start each other", maxTurns)
	}
	cost := 64 * len(p.env)
	for _, word := range p.argv {
		cost += 16 + 4*len(word)
	}
	return x.files.Keep(int64(cost))
}

func (x *examination) badFormat(p process, found string) *finding {
	return x.cannot(ExecFormat, facts{Name: p.name, At: p.at.Path, Found: found}, p.asked,
		Evidence{"its first bytes, by which the kernel tells the format", p.at.Path, found})
}

// formatOf is what a file is that the kernel does not know.
func formatOf(head []byte) string {
	if len(head) == 0 {
		return "the file is empty"
	}
	for is, magics := range texts().Formats {
		for _, magic := range magics {
			if begins, _ := strconv.Unquote(`"` + magic + `"`); strings.HasPrefix(string(head), begins) {
				return is
			}
		}
	}
	if bytes.IndexByte(head, 0) < 0 {
		line, _, _ := bytes.Cut(head, []byte("\n"))
		return fmt.Sprintf("text without a #! line: %q", string(line[:min(40, len(line))]))
	}
	return fmt.Sprintf("no known format (% x)", head[:min(8, len(head))])
}

// script follows a #! line to the interpreter, which gets the script's path as its last word but
// for the script's own (fs/binfmt_script.c).
func (x *examination) script(ctx context.Context, p process, head []byte) error {
	line, ok := parseShebang(head)
	if !ok {
		return x.badFormat(p, "a #! line that names no interpreter, or is longer than the kernel reads")
	}
	if p.depth >= maxScripts {
		return x.badFormat(p, fmt.Sprintf("more than %d scripts are each other's interpreters (ELOOP)", maxScripts))
	}
	line.file, line.words = p.at, append([]string{p.name}, p.argv[1:]...)
	next := process{name: line.interp, argv: []string{line.interp}, env: p.env, line: &line, depth: p.depth + 1,
		asked: Evidence{"the script's first line names its interpreter", p.at.Path, fmt.Sprintf("%q", "#!"+line.line)}}
	if line.arg != "" {
		next.argv = append(next.argv, line.arg)
	}
	next.argv = append(next.argv, line.words...)
	return x.launch(ctx, next)
}

// launch executes what a path leads to.
func (x *examination) launch(ctx context.Context, p process) error {
	at, err := x.files.resolve(ctx, p.name, x.as)
	if err != nil {
		return x.notThere(ctx, p, err)
	}
	if p.at = at; p.line == nil {
		x.way = append(x.way, p.asked)
	}
	if err := x.mayExecute(p); err != nil {
		return err
	}
	return x.exec(ctx, p)
}

// notThere is the finding where the path of a program leads nowhere, whoever asks for it.
func (x *examination) notThere(ctx context.Context, p process, err error) error {
	way := broke(err)
	if way == nil {
		return err
	}
	if p.line == nil || way.kind == running {
		return x.wayBroken(way, p)
	}
	line := p.line
	f := x.cannot(MissingInterpreter, facts{Name: p.name, At: line.file.Path, Line: "#!" + line.line, Target: p.name}, p.asked,
		Evidence{"the interpreter", way.at, way.Error()})
	f.line = line
	if way.kind == dangling {
		f.facts.Target = wholePath(way)
		if tree, ok := strings.CutSuffix(path.Dir(f.facts.Target), "/bin"); ok && strings.Count(tree, "/") > 1 && tree != "/usr/local" {
			f.facts.Tree = tree
		}
	}
	if !strings.Contains(p.name, "/") {
		f.facts.Target, f.facts.Words = target(p.env["PATH"], p.name), x.oneWord(ctx, p)
	}
	if way.kind == closed {
		f.cause, f.facts.Closed, f.facts.At = UserCannotExecute, true, way.at
	}
	name := p.name
	if way.kind == lacking {
		if name, f.facts.Lacks = way.link, way.link; name == path.Base(line.words[0]) {
			f.facts.Words = "#!" + p.name + " sh"
		}
	}
	if line.crlf && strings.HasSuffix(name, "\r") {
		f.cause, f.facts.Name = CRLFInterpreter, strings.TrimSuffix(name, "\r")
		f.note("the line ends as on Windows, and the carriage return becomes part of the name", line.file.Path, fmt.Sprintf("%q", name))
	}
	return f
}

// oneWord is the line that was meant where env got several words as one; empty where it got one.
func (x *examination) oneWord(ctx context.Context, p process) string {
	words := strings.Fields(p.name)
	if len(words) < 2 {
		return ""
	}
	at := words[0]
	if !strings.Contains(at, "/") {
		at = target(p.env["PATH"], words[0])
		if found, _ := x.onPath(ctx, process{name: words[0], env: p.env}); found != "" {
			at = found
		}
	}
	return "#!" + strings.Join(append([]string{at}, words[1:]...), " ")
}

// headBytes is how much of a file the kernel looks at to tell its format
// (BINPRM_BUF_SIZE): a longer first line of a script is cut there.
const headBytes = 256

// maxScripts is how many scripts may be each other's interpreters before the
// kernel gives up with ELOOP (exec_binprm in fs/exec.c).
const maxScripts = 5

// shebang is the first line of a script, as the kernel's load_script takes it.
type shebang struct {
	line   string // without "#!" and the end of the line
	interp string
	arg    string // all that follows, as one argument
	crlf   bool   // the line ends in a carriage return, which becomes part of the last word

	file  place    // the script
	words []string // its path and its arguments
}

// parseShebang parses a file's first bytes; ok is false where the kernel says
// ENOEXEC: no interpreter is named, or its name is cut off.
func parseShebang(head []byte) (s shebang, ok bool) {
	line, _, ended := bytes.Cut(head[2:], []byte("\n"))
	if !ended {
		// The end of the file ends the line too; but in a head that is full, the name must be whole.
		line, _, _ = bytes.Cut(line, []byte{0})
		if len(head) >= headBytes && !bytes.ContainsAny(bytes.TrimLeft(line, " \t"), " \t") {
			return s, false
		}
	}
	s.line = string(line)
	s.crlf = strings.HasSuffix(s.line, "\r")
	rest := strings.Trim(s.line, " \t")
	s.interp = rest
	if cut := strings.IndexAny(rest, " \t\x00"); cut >= 0 {
		s.interp = rest[:cut]
		s.arg, _, _ = strings.Cut(strings.TrimLeft(rest[cut:], " \t"), "\x00")
	}
	return s, s.interp != ""
}

// firstLineWords are the interpreter and its option of a first line that the kernel does not take.
func firstLineWords(head []byte) []string {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	line, _, ok := bytes.Cut(head, []byte("\n"))
	if !ok || !bytes.HasPrefix(line, []byte("#!")) {
		return nil
	}
	words := strings.Fields(string(line[2:]))
	if len(words) > 2 {
		words = []string{words[0], strings.Join(words[1:], " ")}
	}
	return words
}
