package doctor

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// cure is a fix that may do: it is examined before it is proposed.
type cure struct{ lines, text string }

// mend looks in the image itself for what would make it start, in every layer of it, and proposes the
// first that, examined, does. Where none does, the cause's own fix stands.
func (x *examination) mend(ctx context.Context, f *finding) error {
	if f == nil || f.cause == "" || f.fix != nil {
		return nil
	}
	lies, err := x.elsewhere(ctx, f)
	if err != nil {
		return err
	}
	if f.cause == UserCannotExecute && !x.machine.Overrides {
		if d, err := x.again(ctx, x.config, x.start, true, false); err != nil {
			return err
		} else if d != nil && d.Starts != nil && *d.Starts {
			f.evidence = append(f.evidence, Evidence{strictEngines + " refuse it; Docker from 24 on and containerd start it, as they " +
				"take root's rights " +
				"from the user only after that", "engine", "it takes them before"})
		}
	}
	if len(strings.Join(x.d.Argv, " ")) > maxFixed {
		return nil
	}
	for _, c := range x.cures(ctx, f, lies) {
		d, err := x.would(ctx, c.lines, false)
		if err != nil {
			return err
		}
		if d != nil && d.Starts != nil && *d.Starts {
			f.fix = &Fix{c.text, c.lines}
			return nil
		}
	}
	if drive.MatchString(f.missing) {
		f.fix = &Fix{Text: "It is a path of Windows, as Git Bash makes one of /app: write //app there, or set MSYS_NO_PATHCONV=1."}
		return nil
	}
	if f.cause == MissingLibrary && len(lies) > 0 && !f.facts.Foreign {
		f.facts.Copies = "COPY --chmod=755 --from=build " + copyWords(lies[0].Path, f.facts.Target)
	}
	if f.cause == CRLFInterpreter {
		f.facts.Sed = x.sed(ctx)
	}
	// The cause's own fix may lead to the next fault: then that one's goes along.
	row := entryOf(f.cause)
	fix := Fix{fill(row.fix, f.facts), fill(row.dockerfile, f.facts)}
	if x.second {
		return nil
	}
	d, err := x.would(ctx, fix.Dockerfile, true)
	if d != nil && d.Starts != nil && !*d.Starts && d.Cause != f.cause && d.Fix.Dockerfile != "" {
		f.fix = &Fix{fix.Text + " Then there is the " +
			"next fault, " + string(d.Cause) + ": " + d.Fix.Text, fix.Dockerfile + "\n" + d.Fix.Dockerfile}
	}
	return err
}

// drive begins a path of Windows, and gitBash matches what Git Bash on Windows makes of a path: it puts the folder
// before it where Git is installed.
var (
	drive   = regexp.MustCompile(`^[A-Za-z]:[/\\]`)
	gitBash = regexp.MustCompile(`^[A-Za-z]:[/\\].*?Git((?:/usr)?(/.*))$`)
)

// cures are what may help against a finding; lies are the places in the image where files of the
// name lie that is missing.
func (x *examination) cures(ctx context.Context, f *finding, lies []image.Entry) (all []cure) {
	add := func(lines, format string, args ...any) { all = append(all, cure{lines, fmt.Sprintf(format, args...)}) }
	if x.shellForm && brokenList(x.shellCommand) {
		if words := listWords(x.shellCommand, x.env); len(words) > 0 {
			add(x.instruction()+" "+execForm(words...),
				"The list is no JSON, so it became a shell form: put straight double quotes around each word, and a comma between them. "+
					"In an exec form nothing fills in variables.")
		}
	}
	script, line := "", f.line
	if line != nil {
		script = line.words[0]
	}
	if f.facts.By != "" {
		for _, word := range x.d.Argv {
			if word == f.facts.User || strings.HasSuffix(word, f.facts.Name) || strings.HasPrefix(word, f.facts.Name+":") {
				for _, number := range []string{"12345", ":12345"} { // chpst wants the colon
					add(x.instead(word, strings.Replace(word, f.facts.Name, number, 1)), "Use numbers, which need no account file; or "+
						"copy the account files that have the name.")
				}
			}
		}
	}
	if m := gitBash.FindStringSubmatch(f.missing); m != nil {
		for _, meant := range []string{m[2], m[1]} {
			add(x.instead(f.missing, meant), "Git Bash on Windows has made a path of its own of it: write %s, with two slashes in front "+
				"where that "+
				"shell reads it (`/%s`), or set MSYS_NO_PATHCONV=1.", meant, meant)
		}
	}
	switch f.cause {
	case UnknownGroup:
		user, _, _ := strings.Cut(f.facts.User, ":")
		add("USER "+user, "Name a group that the image has, or none: then the user's own group counts.")
	case NoCommand, EmptyCommand:
		for _, e := range lies {
			add(cmp.Or(f.facts.Instr, "ENTRYPOINT")+" "+execForm(e.Path),
				"Name the program: %s is the one that the image brings of its own.", e.Path)
		}
	case MissingEntrypoint, NotOnPath, NotADirectory, DanglingSymlink:
		if x.source() == x.called("ARGS") && len(x.config.Cmd) > 0 {
			add("ENTRYPOINT "+execForm(x.config.Cmd...),
				"What stands behind the image's name replaces CMD, the program included: make it the ENTRYPOINT, or name it again.")
		}
		if shells[f.facts.Lacks] {
			add(x.instead(x.d.Argv[0], "/bin/sh"), "The image has another shell, /bin/sh: use that, or copy this one along with what "+
				"it needs.")
		}
		x.misread(f.missing, lies, add)
		for _, e := range lies {
			add(x.instead(f.missing, e.Path), "It lies in the image at %s: write that whole path.", e.Path)
		}
	case UserCannotExecute:
		if f.facts.Switch {
			add("USER 0:0", "Only root can become another user: start as root, or name the program alone and leave the change to USER.")
		}
	case MissingInterpreter, CRLFInterpreter:
		if line == nil {
			if words := strings.Fields(strings.TrimPrefix(f.facts.Words, "#!")); len(words) > 0 {
				add(x.instruction()+" "+execForm(words...), "Name the program itself: this env knows no -S.")
			}
			break
		}
		option := []string{}
		switch arg := strings.TrimSuffix(line.arg, "\r"); {
		case path.Base(line.interp) != "env" && arg != "":
			option = append(option, arg)
		case f.missing == line.interp:
			option = strings.Fields(strings.TrimPrefix(arg, "-S"))
		}
		for _, e := range lies {
			words := slices.Concat([]string{e.Path}, option, []string{script})
			add(x.instead(script, words...), "An interpreter of that name lies at %s: name it, here or in the script's first line.", e.Path)
		}
		if interpreter := strings.TrimPrefix(f.facts.Words, "#!"); interpreter != "" {
			add(x.instead(script, append(strings.Fields(interpreter), script)...),
				"Name the interpreter itself, here or in the script's first line: the kernel hands all that follows it over as one word.")
		}
		if shells[path.Base(f.facts.Name)] && f.cause == MissingInterpreter {
			add(x.instead(script, "/bin/sh", script),
				"The image has another shell, /bin/sh: if the script needs nothing beyond it, let that read it, here or in the script's "+
					"first line.")
		}
	case ExecFormat:
		head, err := x.files.head(ctx, f.facts.At, 4096)
		if err != nil {
			break
		}
		if words := firstLineWords(head); words != nil {
			add(x.instead(f.missing, append(words, f.missing)...),
				"The kernel does not take the first line (%s): name the interpreter here, or in a first line that it takes: "+
					"`#!` its very first bytes, and at most %d of them.", f.facts.Found, headBytes)
		} else if by := interpreters[path.Ext(f.facts.At)]; by != "" {
			add(x.instead(f.missing, by, f.missing), "Name its interpreter here, or in a first line: `#!/usr/bin/env %s`.", by)
		} else if strings.HasPrefix(f.facts.Found, "text without") {
			add(x.instead(f.missing, "/bin/sh", f.missing), "Make `#!/bin/sh` the first line of the script, or name the shell here.")
		}
		if at := slices.Index(x.d.Argv, f.missing); at > 0 {
			add(x.instruction()+" "+execForm(x.d.Argv[at:]...), "Start it by itself: it is nothing for %s to read.", x.d.Argv[0])
		}
	case MissingLoader:
		for _, e := range lies {
			add(x.instead(f.facts.Name, e.Path, f.facts.Name),
				"The loader lies at %s: a later layer has replaced a link or a folder on its way. Start it by hand, or copy it to where "+
					"it belongs.", e.Path)
		}
	case MissingLibrary, MissingSymbolVersion, MissingSymbol:
		known, configured := x.configured(ctx), " (or in a file of /etc/ld.so.conf.d, and run `ldconfig`)"
		for _, e := range lies {
			if dir := path.Dir(e.Path); plainWord.MatchString(dir) {
				value := dir
				if old := x.env["LD_LIBRARY_PATH"]; old != "" && plainWord.MatchString(old) {
					value = dir + ":" + old
				}
				if known != nil {
					configured = ""
				}
				if by := known[dir]; by != "" {
					configured = " (or run `ldconfig`: " + by + " names the folder already)"
				}
				add("ENV LD_LIBRARY_PATH="+value,
					"It lies at %s, where the loader does not look for it: name the folder%s, or copy it into one that it "+
						"searches.", e.Path, configured)
			}
		}
		for _, name := range []string{"LD_LIBRARY_PATH", "LD_PRELOAD"} {
			if x.env[name] != "" {
				add("ENV "+name+"=", "%s puts another library before the system's own: leave it away.", name)
			}
		}
	}
	return all
}

// interpreters read files that are no shell scripts, by their names' ends.
var interpreters = map[string]string{".py": "python3", ".js": "node", ".mjs": "node", ".rb": "ruby", ".pl": "perl", ".php": "php",
	".lua": "lua"}

// misread adds what was meant by a word that only a shell understands.
func (x *examination) misread(word string, lies []image.Entry, add func(lines, format string, args ...any)) {
	argv, _ := x.words()
	at := slices.Index(argv, word)
	if at < 0 {
		return
	}
	rest := argv[at+1:]
	if len(rest) > 1 && shells[path.Base(word)] && strings.HasPrefix(rest[0], "-") && strings.HasSuffix(rest[0], "c") {
		if words, _ := plainCommand(rest[1], x.env); len(words) > 0 {
			add(x.spliced(at, at+3, words...), "The command needs no shell: name the program itself.")
		}
	}
	if strings.Contains(word, "$") {
		if words, _ := splitWords(word, x.env, []string{""}); len(words) > 0 {
			add(x.spliced(at, at+1, words...), "In an exec form nothing fills in variables: write the value, or let a shell start it.")
		}
	}
	if assignment.MatchString(word) && len(rest) > 0 {
		add("ENV "+word+"\n"+x.spliced(at, at+1), "A variable that is set before a program is a shell's: set it with ENV.")
	}
	if word == "exec" && len(rest) > 0 {
		add(x.spliced(at, at+1), "`exec` is a shell's own word, and an exec form needs none: leave it away.")
	}
	if builtins[word] || strings.ContainsAny(word, " ;&|<>$") {
		line := strings.Join(argv[at:], " ")
		add(x.spliced(at, len(argv), "/bin/sh", "-c", line), "It is a shell's command line: let a shell read it.")
	}
	if strings.HasPrefix(word, "-") {
		for _, e := range lies {
			add(x.spliced(at, at, e.Path), "%q is an argument: name the program before it, as %s.", word, e.Path)
		}
	}
}

// configured are the folders that ldconfig knows, and by which file; nil where that cannot be told.
func (x *examination) configured(ctx context.Context) map[string]string {
	lister, ok := x.lister()
	if !ok {
		return nil
	}
	known, files := map[string]string{}, 0
	lister.Walk(func(e image.Entry) error {
		if e.Mode.IsRegular() && e.Size < 1<<16 && (e.Path == "/etc/ld.so.conf" || strings.HasPrefix(e.Path, "/etc/ld.so.conf.d/")) {
			if files++; files > 256 {
				return image.ErrTooLarge
			}
			text, _ := x.beginning(ctx, place{Entry: e})
			for _, word := range strings.Fields(string(text)) {
				known[word] = e.Path
			}
		}
		return ctx.Err()
	})
	return known
}

// sed is how the image itself calls sed in a RUN, if it can.
func (x *examination) sed(ctx context.Context) string {
	if _, err := x.files.resolve(ctx, "/bin/sh", root); err != nil {
		return ""
	}
	for _, call := range []string{"sed", "busybox sed"} {
		name, _, _ := strings.Cut(call, " ")
		if hit, _, err := x.onPath(ctx, process{name: name, env: x.env}); err == nil && hit != "" {
			return call
		}
	}
	return ""
}
