package doctor

import (
	"bytes"
	"context"
	debug "debug/elf"
	"fmt"
	"maps"
	"path"
	"strings"
)

// shells and readers are the interpreters, by name, that surely read the script they are given.
var (
	shells  = set("sh ash bash dash hush ksh mksh zsh")
	readers = set("python pypy perl ruby node nodejs php lua awk gawk tclsh Rscript execlineb")
)

// builtins are the shells' own words: what they do is not followed.
var builtins = set(". : [ [[ alias bg break case cd command continue echo eval exit export false fg for function getopts hash if jobs " +
	"kill let local " +
	"printf pwd read readonly return select set shift shopt source test time times trap true type ulimit umask unalias unset until " +
	"wait while { ! coproc exec")

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}

// byShell follows a shell to its one program, or to its script.
func (x *examination) byShell(ctx context.Context, p process, name string, content []byte) error {
	args, letters := p.argv[1:], []byte{}
	for len(args) > 0 && args[0] != "" && strings.ContainsAny(args[0][:1], "-+") {
		word := args[0]
		args = args[1:]
		if word == "--" || word == "-" {
			break
		}
		switch {
		case word == "--rcfile" || word == "--init-file" || !strings.HasPrefix(word, "--") && strings.ContainsAny(word, "oO"):
			if len(args) > 0 && args[0] == "pipefail" && !bytes.Contains(content, []byte("pipefail")) {
				return x.notThere(ctx, p, &lookupError{kind: lacking, at: p.at.Path, link: word + " pipefail"})
			}
			args = args[min(1, len(args)):]
		case word == "--login":
			letters = append(letters, 'l')
		}
		if !strings.HasPrefix(word, "--") {
			letters = append(letters, word[1:]...)
		}
	}
	flags := string(letters)
	switch {
	case len(args) == 0:
		return nil // a shell that reads its standard input
	case strings.HasPrefix(args[0], unknowable):
		return x.unseen("what the shell's command line does")
	case strings.Contains(flags, "c"):
		return x.shellLine(ctx, p, args, strings.Contains(flags, "l"))
	case strings.Contains(flags, "s"):
		return nil
	case p.line != nil && p.line.words[0] == args[0]:
		return x.scriptEnds(ctx, p)
	}
	return x.shellScript(ctx, p, name, args)
}

// badOption finds what a script's first line gives its interpreter for an option, and is none: all that follows the
// interpreter's name is one word, a carriage return included.
func (x *examination) badOption(p process, name string) error {
	name = strings.TrimRight(name, "0123456789.")
	if p.line == nil || !strings.HasPrefix(p.line.arg, "-") || len(p.argv) < 2 || p.argv[1] != p.line.arg || name == "perl" ||
		name == "ruby" {
		return nil
	}
	option, ended := strings.CutSuffix(p.line.arg, "\r")
	f := x.cannot(CRLFInterpreter, facts{Name: p.line.interp, At: p.line.file.Path, Line: "#!" + p.line.line, Option: option}, p.asked)
	f.missing, f.line = p.line.arg, p.line
	switch {
	case ended:
		f.note("the line ends as on Windows, and the carriage return becomes part of the option", p.line.file.Path,
			fmt.Sprintf("%q", p.line.arg))
	case strings.ContainsAny(option, " \t"):
		f.cause, f.facts.Lacks = MissingInterpreter, fmt.Sprintf("option %q: the kernel hands all that follows over as one word", option)
		words := strings.Fields(option)
		if f.facts.Words = "#!" + p.line.interp + " " + option; !strings.ContainsFunc(strings.Join(words, ""),
			func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') }) {
			f.facts.Words = "#!" + p.line.interp + " -" + strings.ReplaceAll(strings.Join(words, ""), "-", "")
		}
		f.note("the option that it is given has a blank in it", p.line.file.Path, fmt.Sprintf("%q", option))
	default:
		return nil
	}
	return f
}

// shellLine follows a command line that is one program and its arguments.
func (x *examination) shellLine(ctx context.Context, p process, args []string, login bool) error {
	text := args[0]
	if p.orShell = "/bin/sh"; shells[path.Base(p.name)] {
		p.orShell = p.name
	}
	if brokenList(text) {
		word, _, _ := strings.Cut(strings.NewReplacer(`"`, "", "'", "").Replace(text), " ")
		asked := Evidence{"a list that is no JSON is a shell form: the shell takes its first word for the program", x.source(), text}
		if strings.Contains(word, "/") {
			return x.notThere(ctx, process{name: word, asked: asked}, &lookupError{kind: absent, at: word})
		}
		return x.notOnPath(process{name: word, asked: asked}, x.searchPath(p.env), "PATH")
	}
	if args = args[1:]; len(args) == 0 {
		args = []string{p.name}
	}
	if err := x.unsplit(text, p.env, args); err != nil {
		return err
	}
	words, env := plainCommand(text, p.env, args...)
	if len(words) == 0 || builtins[words[0]] {
		return x.unseen("what the shell's command line does")
	}
	if login && !strings.Contains(words[0], "/") { // it may set another PATH
		if hit, err := x.onPath(ctx, process{name: words[0], env: env}); hit == "" {
			x.unexamined = "what the shell's command line does"
			return imageFault(err)
		}
	}
	return x.next(ctx, process{name: p.name, at: p.at, asked: p.asked, orShell: p.orShell, box: p.box}, words, env)
}

// shellScript judges the script that a shell is to read: it needs no x bit.
func (x *examination) shellScript(ctx context.Context, p process, name string, args []string) error {
	script := args[0]
	asked := Evidence{"the shell is to read the script", p.at.Path, fmt.Sprintf("%q", p.argv)}
	at, err := x.files.resolve(ctx, script, x.as)
	if broke(err) != nil && name == "bash" && !strings.Contains(script, "/") {
		for _, dir := range searched(x.searchPath(p.env), script) {
			if hit, missed := x.files.resolve(ctx, path.Join(dir, script), x.as); missed == nil {
				at, err = hit, nil
				break
			}
		}
	}
	reads := process{name: script, at: at, asked: asked}
	if err != nil {
		return x.notThere(ctx, reads, err)
	}
	if err := x.mayReadScript(reads); err != nil || !at.Mode.IsRegular() {
		return err
	}
	head, err := x.files.beginning(ctx, at.Path, headBytes)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte(debug.ELFMAG)) {
		return x.badFormat(reads, "a program, where a shell script is to be read")
	}
	x.way = append(x.way, asked)
	return x.unseen("what the script " + at.Path + " does")
}

// mayReadScript is the check of a file that is read under a name, and not executed: it needs no x bit.
func (x *examination) mayReadScript(p process) error {
	at := p.at
	if at.Mode.IsDir() {
		return x.mayExecute(p)
	}
	if x.as.mayRead(at.Entry) {
		return nil
	}
	return x.cannot(UserCannotExecute, facts{Name: at.Path, At: at.Path, Read: true}, p.asked,
		Evidence{"its interpreter has to read it, and this user may not", at.Path, describe(at.Entry)}, x.runsAs())
}

// scriptEnds is where a way ends: at a program, or at a script that its interpreter reads.
// The init of s6-overlay is such a script, and starts its arguments.
func (x *examination) scriptEnds(ctx context.Context, p process) error {
	if p.line == nil {
		return nil
	}
	name := path.Base(p.argv[0])
	if reader := strings.TrimRight(name, "0123456789."); readers[reader] || shells[name] {
		if err := x.mayReadScript(process{name: p.name, at: p.line.file, asked: p.asked}); err != nil {
			return err
		}
	}
	x.unexamined = "what the script " + p.line.file.Path + " does"
	words := p.line.words
	if path.Base(words[0]) != "init" || len(words) == 1 {
		return nil
	}
	content, err := x.files.beginning(ctx, p.line.file.Path, maxContent)
	if err != nil || !bytes.Contains(content, []byte("s6-")) {
		return err
	}
	env := maps.Clone(p.env)
	env["PATH"] = "/command:" + x.searchPath(env)
	return x.next(ctx, process{at: p.line.file}, words[1:], env)
}

// applets are what a busybox can do: the longest run of names in alphabetical order in its file
// is its table. Nil where that is not sure.
func applets(content []byte) (names []string) {
	var run []string
	for word := range bytes.SplitSeq(content, []byte{0}) {
		if len(word) == 0 || len(word) >= 32 || bytes.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }) {
			run = nil
			continue
		}
		if len(run) > 0 && string(word) <= run[len(run)-1] {
			run = nil
		}
		if run = append(run, string(word)); len(run) > len(names) {
			names = run
		}
	}
	if len(names) < 16 || len(names) > 4096 {
		return nil
	}
	return names
}
