package doctor

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// cure is a fix that may do: it is examined before it is proposed. Its words are those of the id in texts.yaml.
type cure struct{ id, lines, it string }

// mend looks in the image itself for what would make it start, in every layer of it, and proposes the
// first that, examined, does. Where none does, the cause's own fix stands.
func (x *examination) mend(ctx context.Context, f *finding) error {
	if f == nil || f.cause == "" {
		return nil
	}
	if err := x.elsewhere(ctx, f); err != nil {
		return err
	}
	if f.cause == UserCannotExecute && !x.machine.Overrides {
		d, err := x.again(ctx, x.config, x.options, true, 0)
		if err != nil {
			return err
		}
		if d.starts() {
			f.note(strictEngines+" refuse it; Docker from 24 on and containerd start it, as they take root's rights from the "+
				"user only after that", "engine", "it takes them before")
		}
	}
	if len(strings.Join(x.d.Argv, " ")) > maxFixed {
		return nil
	}
	for _, c := range x.cures(ctx, f) {
		d, err := x.would(ctx, c.lines, 0)
		if err != nil {
			return err
		}
		if d.starts() {
			if f.facts.It = c.it; c.id == "library-elsewhere" {
				f.facts.Conf = x.configured(ctx, path.Dir(c.it))
			}
			f.fix = Fix{fill(texts().Cures[c.id], f.facts), c.lines}
			return nil
		}
	}
	if drive.MatchString(f.missing) {
		f.fix = Fix{Text: texts().Cures["windows-path"]}
		return nil
	}
	if f.cause == MissingLibrary && len(f.lies) > 0 && !f.facts.Foreign {
		f.facts.Copies = "COPY --chmod=755 --from=build " + copyWords(f.lies[0], f.facts.Target)
	}
	if f.cause == CRLFInterpreter {
		f.facts.Sed = x.sed(ctx)
	}
	if x.mends < 2 {
		return nil
	}
	// The cause's own fix may lead to the next fault: then that one's goes along.
	fix := f.cause.Row().fix(f.facts)
	d, err := x.would(ctx, fix.Dockerfile, 1)
	if err == nil && d.Cause != "" && d.Cause != f.cause && d.Fix.Dockerfile != "" {
		f.fix = Fix{fmt.Sprintf("%s Then there is the next fault, %s: %s", fix.Text, d.Cause, d.Fix.Text),
			fix.Dockerfile + "\n" + d.Fix.Dockerfile}
	}
	return err
}

// drive begins a path of Windows, and gitBash matches what Git Bash on Windows makes of a path: it puts the folder
// before it where Git is installed.
var (
	drive   = regexp.MustCompile(`^[A-Za-z]:[/\\]`)
	gitBash = regexp.MustCompile(`^[A-Za-z]:[/\\].*?Git((?:/usr)?(/.*))$`)
)

// cures are what may help against a finding.
func (x *examination) cures(ctx context.Context, f *finding) (all []cure) {
	add := func(id, lines, it string) { all = append(all, cure{id, lines, it}) }
	each := func(id string, lines func(other string) string) {
		for _, other := range f.lies {
			add(id, lines(other), other)
		}
	}
	if x.shellForm && brokenList(x.shellCommand) {
		if words := listWords(x.shellCommand, x.env); len(words) > 0 {
			add("list-no-json", x.instruction()+" "+execForm(words...), "")
		}
	}
	if f.facts.By != "" {
		for _, word := range x.d.Argv {
			if word == f.facts.User || strings.HasSuffix(word, f.facts.Name) || strings.HasPrefix(word, f.facts.Name+":") {
				for _, number := range []string{"12345", ":12345"} { // chpst wants the colon
					add("numbers", x.instead(word, strings.Replace(word, f.facts.Name, number, 1)), "")
				}
			}
		}
	}
	if m := gitBash.FindStringSubmatch(f.missing); m != nil {
		for _, meant := range []string{m[2], m[1]} {
			add("git-bash", x.instead(f.missing, meant), meant)
		}
	}
	switch f.cause {
	case UnknownGroup:
		user, _, _ := strings.Cut(f.facts.User, ":")
		add("own-group", "USER "+user, "")
	case NoCommand, EmptyCommand:
		instruction := "ENTRYPOINT "
		if f.facts.At != "" { // a wrapper is there, and lacks its words
			instruction = "CMD "
		}
		each("own-program", func(other string) string { return instruction + execForm(other) })
	case MissingEntrypoint, NotOnPath, NotADirectory, DanglingSymlink:
		if x.source() == x.called("ARGS") && len(x.config.Cmd) > 0 {
			add("arguments-alone", "ENTRYPOINT "+execForm(x.config.Cmd...), "")
		}
		if shells[f.facts.Lacks] {
			add("other-shell", x.instead(x.d.Argv[0], "/bin/sh"), "")
		}
		x.misread(f, add)
		each("elsewhere", func(other string) string { return x.instead(f.missing, other) })
	case MissingInterpreter, CRLFInterpreter:
		x.interpreted(f, add)
	case ExecFormat:
		head, err := x.files.beginning(ctx, f.facts.At, 4096)
		if err != nil {
			break
		}
		if words := firstLineWords(head); words != nil {
			add("first-line", x.instead(f.missing, append(words, f.missing)...), "")
		} else if by := interpreters[path.Ext(f.facts.At)]; by != "" {
			add("by-ending", x.instead(f.missing, by, f.missing), by)
		} else if strings.HasPrefix(f.facts.Found, "text without") {
			add("shell-reads", x.instead(f.missing, "/bin/sh", f.missing), "")
		}
		if at := slices.Index(x.d.Argv, f.missing); at > 0 {
			add("by-itself", x.instruction()+" "+execForm(x.d.Argv[at:]...), x.d.Argv[0])
		}
	case MissingLoader:
		each("loader-elsewhere", func(other string) string { return x.instead(f.facts.At, other, f.facts.At) })
	case MissingLibrary, MissingSymbolVersion, MissingSymbol:
		for _, other := range f.lies {
			if dirs := strings.TrimSuffix(path.Dir(other)+":"+x.env["LD_LIBRARY_PATH"], ":"); plainWord.MatchString(dirs) {
				add("library-elsewhere", "ENV LD_LIBRARY_PATH="+dirs, other)
			}
		}
		for _, name := range []string{"LD_LIBRARY_PATH", "LD_PRELOAD"} {
			if x.env[name] != "" {
				add("library-before", "ENV "+name+"=", name)
			}
		}
	}
	return all
}

// interpreted adds what may help a script whose interpreter is missing.
func (x *examination) interpreted(f *finding, add func(id, lines, it string)) {
	meant := strings.Fields(strings.TrimPrefix(f.facts.Words, "#!"))
	if f.line == nil {
		if len(meant) > 0 {
			add("no-env", x.instruction()+" "+execForm(meant...), "")
		}
		return
	}
	script, option := f.line.words[0], []string{}
	switch arg := strings.TrimSuffix(f.line.arg, "\r"); {
	case path.Base(f.line.interp) != "env" && arg != "":
		option = append(option, arg)
	case f.missing == f.line.interp:
		option = strings.Fields(strings.TrimPrefix(arg, "-S"))
	}
	for _, other := range f.lies {
		add("interpreter-elsewhere", x.instead(script, slices.Concat([]string{other}, option, []string{script})...), other)
	}
	if len(meant) > 0 {
		add("interpreter-itself", x.instead(script, append(meant, script)...), "")
	}
	if shells[path.Base(f.facts.Name)] && f.cause == MissingInterpreter {
		add("other-shell-reads", x.instead(script, "/bin/sh", script), "")
	}
}

// interpreters read files that are no shell scripts, by their names' ends.
var interpreters = map[string]string{".py": "python3", ".js": "node", ".mjs": "node", ".rb": "ruby", ".pl": "perl", ".php": "php",
	".lua": "lua"}

// misread adds what was meant by a word that only a shell understands.
func (x *examination) misread(f *finding, add func(id, lines, it string)) {
	word := f.missing
	argv, _ := x.words()
	at := slices.Index(argv, word)
	if at < 0 {
		return
	}
	rest := argv[at+1:]
	if len(rest) > 1 && shells[path.Base(word)] && strings.HasPrefix(rest[0], "-") && strings.HasSuffix(rest[0], "c") {
		if words, _ := plainCommand(rest[1], x.env); len(words) > 0 {
			add("no-shell", x.spliced(at, at+3, words...), "")
		}
	}
	if strings.Contains(word, "$") {
		if words, _ := splitWords(word, x.env, []string{""}); len(words) > 0 {
			add("variable", x.spliced(at, at+1, words...), "")
		}
	}
	if sets := assignment.MatchString(word); (sets || word == "exec") && len(rest) > 0 {
		add("before", map[bool]string{true: "ENV " + word + "\n"}[sets]+x.spliced(at, at+1), "")
	}
	if builtins[word] || strings.ContainsAny(word, " ;&|<>$") {
		add("command-line", x.spliced(at, len(argv), "/bin/sh", "-c", strings.Join(argv[at:], " ")), "")
	}
	if strings.HasPrefix(word, "-") {
		for _, other := range f.lies {
			add("argument", x.spliced(at, at, other), other)
		}
	}
}

// configured is the file by which ldconfig knows a folder; empty where none names it, or that cannot be told.
func (x *examination) configured(ctx context.Context, dir string) (by string) {
	for e := range x.walk() {
		if e.Mode.IsRegular() && e.Size < 1<<16 && (e.Path == "/etc/ld.so.conf" || strings.HasPrefix(e.Path, "/etc/ld.so.conf.d/")) {
			text, _ := x.files.beginning(ctx, e.Path, e.Size)
			if slices.Contains(strings.Fields(string(text)), dir) {
				by = e.Path
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return by
}

// sed is how the image itself calls sed in a RUN, if it can.
func (x *examination) sed(ctx context.Context) string {
	if _, err := x.files.resolve(ctx, "/bin/sh", root); err != nil {
		return ""
	}
	for _, call := range []string{"sed", "busybox sed"} {
		name, _, _ := strings.Cut(call, " ")
		if hit, err := x.onPath(ctx, process{name: name, env: x.env}); err == nil && hit != "" {
			return call
		}
	}
	return ""
}
