package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
)

// shells and readers are the interpreters, by name, that surely read the script they are given.
var (
	shells  = set("sh ash bash dash hush ksh mksh zsh")
	readers = set("python pypy perl ruby node nodejs php lua awk gawk tclsh Rscript execlineb")
)

// builtins are the shells' own words: what they do is not followed.
var builtins = set(". : [ [[ alias bg break case cd command continue echo eval exit export false fg for function getopts hash if jobs kill let local " +
	"printf pwd read readonly return select set shift shopt source test time times trap true type ulimit umask unalias unset until wait while")

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}

// byShell follows a shell to its one program, or to its script. box are the applets of a busybox.
func (x *examination) byShell(ctx context.Context, p process, name string, box []string) (*finding, error) {
	if found := x.badOption(p); found != nil {
		return found, nil
	}
	args, letters := p.argv[1:], []byte{}
	for len(args) > 0 && len(args[0]) > 1 && strings.ContainsAny(args[0][:1], "-+") {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
		case word == "--rcfile" || word == "--init-file" || !strings.HasPrefix(word, "--") && strings.ContainsAny(word, "oO"):
			args = args[min(1, len(args)):]
		}
		if word == "--" {
			break
		}
		if !strings.HasPrefix(word, "--") {
			letters = append(letters, word[1:]...)
		} else if word == "--login" {
			letters = append(letters, 'l')
		}
	}
	flags := string(letters)
	switch {
	case len(args) == 0:
		return nil, nil // a shell that reads its standard input
	case strings.Contains(flags, "c"):
		return x.shellLine(ctx, p, args[0], strings.Contains(flags, "l"), box)
	case strings.Contains(flags, "s"):
		return nil, nil
	case p.line != nil && p.line.words[0] == args[0]:
		return x.scriptEnds(ctx, p)
	}
	return x.shellScript(ctx, p, name, args)
}

// badOption finds a carriage return in the option that a script's first line gives its interpreter.
func (x *examination) badOption(p process) *finding {
	if p.line == nil || !p.line.crlf || !strings.HasPrefix(p.line.arg, "-") || len(p.argv) < 2 || p.argv[1] != p.line.arg {
		return nil
	}
	return &finding{cause: CRLFInterpreter, phase: PhaseExec, missing: p.line.arg,
		facts: facts{Name: p.line.interp, At: p.line.file.Path, Option: strings.TrimSuffix(p.line.arg, "\r")},
		evidence: []Evidence{p.asked, {"the line ends as on Windows, and the carriage return becomes part of the option",
			p.line.file.Path, fmt.Sprintf("%q", p.line.arg)}}}
}

// shellLine follows a command line that is one program and its arguments.
func (x *examination) shellLine(ctx context.Context, p process, text string, login bool, box []string) (*finding, error) {
	if p.orShell = "/bin/sh"; shells[path.Base(p.name)] {
		p.orShell = p.name
	}
	if brokenList(text) {
		word, _, _ := strings.Cut(strings.NewReplacer(`"`, "", "'", "").Replace(text), " ")
		asked := Evidence{"a list that is no JSON is a shell form: the shell takes its first word for the program", x.source(), text}
		if strings.Contains(word, "/") {
			return x.notThere(ctx, process{name: word, asked: asked}, &lookupError{kind: absent, path: word, at: word}), nil
		}
		f := x.notOnPath(word, searchPath(p.env), "PATH", asked)
		f.phase = PhaseExec
		return f, nil
	}
	words, env := plainCommand(text, p.env)
	if len(words) == 0 || builtins[words[0]] {
		x.unexamined = "what the shell's command line does"
		return nil, nil
	}
	if login && !strings.Contains(words[0], "/") || slices.Contains(box, words[0]) { // it may set another PATH, or run its own applets
		if hit, _, err := x.onPath(ctx, process{name: words[0], env: env}); hit == "" {
			x.unexamined = "what the shell's command line does"
			return nil, err
		}
	}
	return x.next(ctx, process{at: p.at, orShell: p.orShell}, words, env)
}

var (
	variable   = regexp.MustCompile(`^\$(?:\{(\w+)\}|(\w+))$`)
	assignment = regexp.MustCompile(`^(\w+)=([\w./:@%+,-]*)$`)
	plainName  = regexp.MustCompile(`^[\w./:@%+, -]+$`)
	quoted     = regexp.MustCompile(`^(?:"([^"\\]+)"|'([^'$]+)')(?: (.*))?$`)
)

// plainCommand gives the words of a command line that is one program with its arguments; none where
// it is more than that, or where only the shell knows what the program is.
func plainCommand(text string, given map[string]string) (words []string, env map[string]string) {
	env = maps.Clone(given)
	if strings.ContainsAny(text, "|&;<>()`\n\\") {
		return nil, env
	}
	words = strings.Fields(text)
	for len(words) > 0 {
		if a := assignment.FindStringSubmatch(words[0]); a != nil {
			env[a[1]] = a[2]
		} else if words[0] != "exec" {
			break
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return nil, env
	}
	if q := quoted.FindStringSubmatch(strings.Join(words, " ")); q != nil { // "/app" --serve, and "/app --serve" in one
		words = append([]string{q[1] + q[2]}, strings.Fields(q[3])...)
	}
	if v := variable.FindStringSubmatch(words[0]); v != nil {
		words = append(strings.Fields(given[v[1]+v[2]]), words[1:]...)
	}
	if len(words) == 0 || !plainName.MatchString(words[0]) {
		return nil, env
	}
	return words, env
}

// listQuotes are what people take for the quotes of JSON.
const listQuotes = "\"'“”„‟«»‘’‚"

// brokenList tells a list that was meant for the exec form from the shell's test, behind which a command stands.
func brokenList(text string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "[")
	rest = strings.TrimLeft(rest, " \t")
	return ok && rest != "" && strings.ContainsRune(listQuotes+"/$", []rune(rest)[0]) && !testCommand.MatchString(rest)
}

var testCommand = regexp.MustCompile(`\]\s*(?:&&|\|\||;|\n)`)

// maxFixed is how long a command may be for which a fix is looked for: bytes.
const maxFixed = 64 << 10

// listWords are the words of a list that is no JSON; none where they cannot be told.
func listWords(text string, env map[string]string) (words []string) {
	left := maxFixed
	text = strings.Trim(strings.TrimSpace(text), "[]")
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		word = strings.Trim(word, listQuotes+" \t")
		if v := variable.FindStringSubmatch(word); v != nil {
			word = env[v[1]+v[2]]
		}
		if left -= len(word); left < 0 {
			return nil
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return words
}

// shellScript judges the script that a shell is to read: it needs no x bit.
func (x *examination) shellScript(ctx context.Context, p process, name string, args []string) (*finding, error) {
	script := args[0]
	asked := Evidence{"the shell is to read the script", p.at.Path, fmt.Sprintf("%q", p.argv)}
	at, err := x.files.resolve(ctx, script, x.as)
	var way *lookupError
	if errors.As(err, &way) && name == "bash" && !strings.Contains(script, "/") {
		for _, dir := range searched(searchPath(p.env), script) {
			if at, err = x.files.resolve(ctx, path.Join(dir, script), x.as); err == nil {
				break
			}
		}
	}
	if errors.As(err, &way) {
		return x.notThere(ctx, process{name: script, asked: asked}, way), nil
	}
	if err != nil {
		return nil, err
	}
	if at.Mode.IsDir() {
		return x.mayExecute(at, script, asked, PhaseExec), nil
	}
	if found := x.mayReadScript(at, asked); found != nil || !at.Mode.IsRegular() {
		return found, nil
	}
	head, err := x.files.head(ctx, at.Path, headBytes)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte(elf.Magic)) {
		return x.badFormat(process{name: script, at: at, asked: asked}, "a program, where a shell script is to be read"), nil
	}
	x.way = append(x.way, asked)
	x.unexamined = "what the script " + at.Path + " does"
	return nil, nil
}

func (x *examination) mayReadScript(at place, asked Evidence) *finding {
	if x.as.mayRead(at.Entry) {
		return nil
	}
	return &finding{cause: UserCannotExecute, phase: PhaseExec, missing: at.Path,
		facts: facts{Name: at.Path, At: at.Path, User: x.describeUser(), Instr: x.instruction(), Read: true},
		evidence: []Evidence{asked, {"its interpreter has to read it, and this user may not", at.Path, describe(at.Entry)},
			{"the process runs as", "config.User", x.describeUser()}}}
}

// scriptEnds is where a way ends: at a program, or at a script that its interpreter reads.
// The init of s6-overlay is such a script, and starts its arguments.
func (x *examination) scriptEnds(ctx context.Context, p process) (*finding, error) {
	if p.line == nil {
		return nil, nil
	}
	name := path.Base(p.argv[0])
	if reader := strings.TrimRight(name, "0123456789."); readers[reader] || shells[name] {
		if found := x.mayReadScript(p.line.file, p.asked); found != nil {
			return found, nil
		}
		if found := x.badOption(p); found != nil && reader != "perl" && reader != "ruby" {
			return found, nil
		}
	}
	x.unexamined = "what the script " + p.line.file.Path + " does"
	if words := p.line.words; path.Base(words[0]) == "init" && len(words) > 1 {
		content, err := x.beginning(ctx, p.line.file)
		if err == nil && bytes.Contains(content, []byte("s6-")) {
			env := maps.Clone(p.env)
			env["PATH"] = "/command:" + searchPath(env)
			return x.next(ctx, process{at: p.line.file}, words[1:], env)
		}
		return nil, err
	}
	return nil, nil
}
