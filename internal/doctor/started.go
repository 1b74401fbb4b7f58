package doctor

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// wrapper is a program whose last words are another program, which it starts.
type wrapper struct {
	mark   string // its file holds this: another program of the same name is not taken for it
	short  string // options of one letter that take a value
	long   string // and of a word
	before int    // words before the program: a user, a duration
	alone  bool   // without any words it does something of its own
	named  bool   // a number is a name to it, where no colon stands before it
	late   bool   // it keeps root's capabilities up to its execve
	folder string // the option that names a folder it reads, or goes to
	// whom it becomes
	user func(options map[string]string, words []string) string
	// why it gives up by itself; empty: it does not
	refuses func(options map[string]string, file fs.FileMode) string
}

func firstWord(_ map[string]string, words []string) string { return words[0] }

// wrappers are the programs that are followed, by their names.
var wrappers = map[string]wrapper{
	"tini":        {mark: "tini", short: "pe"},
	"docker-init": {mark: "tini", short: "pe"},
	"dumb-init":   {mark: "dumb-init", short: "r", long: " rewrite "},
	"catatonit":   {mark: "catatonit"},
	"gosu": {mark: "gosu", before: 1, user: firstWord, refuses: func(_ map[string]string, file fs.FileMode) string {
		if file&fs.ModeSetuid != 0 {
			return "is setuid, and gosu gives up then"
		}
		return ""
	}},
	"su-exec": {mark: "user-spec", before: 1, user: firstWord},
	"setpriv": {mark: "reuid", late: true, user: func(o map[string]string, _ []string) string {
		if o["reuid"]+o["regid"] == "" {
			return ""
		}
		return strings.TrimSuffix(cmp.Or(o["reuid"], "0")+":"+o["regid"], ":")
	}, long: " reuid regid ruid rgid euid egid groups inh-caps ambient-caps bounding-set " +
		"securebits pdeathsig selinux-label apparmor-profile landlock-access landlock-rule seccomp-filter ptracer ",
		refuses: func(o map[string]string, _ fs.FileMode) string {
			given := func(name string) bool { _, is := o[name]; return is }
			if slices.ContainsFunc([]string{"regid", "rgid", "egid"}, given) &&
				!slices.ContainsFunc([]string{"keep-groups", "clear-groups", "init-groups", "groups"}, given) {
				return "gives up at a group without --clear-groups, --keep-groups, --init-groups or --groups"
			}
			return ""
		}},
	"chpst": {mark: "chpst", named: true, short: "uUbe/nlLmdopfcrt", folder: "e", user: func(o map[string]string, _ []string) string {
		return strings.TrimPrefix(o["u"], ":")
	}},
	"nice":    {mark: "adjustment", short: "n", long: " adjustment ", alone: true},
	"time":    {mark: "portability", short: "fo", long: " format output "},
	"timeout": {mark: "kill-after", short: "ks", long: " kill-after signal ", before: 1},
	"nohup":   {mark: "nohup"},
	"setsid":  {mark: "setsid"},
	"stdbuf":  {mark: "stdbuf", short: "ioe", long: " input output error "},
	"ionice":  {mark: "ionice", short: "cnpPu", long: " class classdata pid pgid uid "},
}

// informs are the options that ask a wrapper about itself.
var informs = set("help version h V l d dump list-caps")

// wrapperOf finds a wrapper by a program's name; such as tini-static-amd64, too.
func wrapperOf(name string) (wrapper, bool) {
	for len(name) > 0 {
		if w, ok := wrappers[name]; ok {
			return w, true
		}
		name = name[:max(0, strings.LastIndexAny(name, "-_"))]
	}
	return wrapper{}, false
}

// options parses words up to the first that is none, as getopt with "+" does.
func (w wrapper) options(words []string) (options map[string]string, rest []string) {
	options = map[string]string{}
	for len(words) > 0 {
		word := words[0]
		if word == "--" {
			return options, words[1:]
		}
		if len(word) < 2 || word[0] != '-' {
			break
		}
		words = words[1:]
		name, value, given := strings.Cut(word[1:], "=")
		takes := false
		if long, ok := strings.CutPrefix(name, "-"); ok {
			name, takes = long, strings.Contains(w.long, " "+long+" ")
		} else if at := strings.IndexAny(word[1:], w.short); at >= 0 && w.short != "" {
			name, value, takes = word[1+at:2+at], word[2+at:], true
			given = value != ""
		}
		if takes && !given && len(words) > 0 {
			value, words = words[0], words[1:]
		}
		options[name] = value
	}
	return options, words
}

// maxBusybox is up to which size a program may be a busybox, whatever its name: a hard link, a copy.
const maxBusybox = 4 << 20

// inTurn follows what a program that has started is known to start: a shell its command or script,
// a loader its program, env and the like their last words. Nil: that starts too, or nobody knows.
func (x *examination) inTurn(ctx context.Context, p process) error {
	name, file := path.Base(strings.TrimPrefix(p.argv[0], "-")), path.Base(p.at.Path)
	boxed := strings.HasPrefix(file, "busybox") || p.at.Size < maxBusybox
	w, wraps := wrapperOf(name)
	loads := x.d.Libc == libcNone && isLoader(file)
	if !boxed && !wraps && !loads && name != "env" && !shells[name] {
		return x.scriptEnds(ctx, p)
	}
	content, err := x.files.beginning(ctx, p.at.Path, maxContent)
	if err != nil {
		return err
	}
	has := func(mark string) bool { return bytes.Contains(content, []byte(mark)) }
	if boxed = has("BusyBox v"); boxed {
		if err := x.files.Work(int64(len(content) >> 5)); err != nil {
			return err
		}
		box := applets(content)
		if strings.HasPrefix(name, "busybox") {
			if p.argv = p.argv[1:]; len(p.argv) == 0 || strings.HasPrefix(p.argv[0], "-") {
				return nil // its help
			}
			name = path.Base(p.argv[0])
			w, wraps = wrapperOf(name)
		}
		if box != nil && !slices.Contains(box, name) {
			return x.notThere(ctx, p, &lookupError{kind: lacking, at: p.at.Path, link: name})
		}
		if has("/proc/self/exe") { // it starts itself again for an applet
			p.box = box
		}
	}
	p.orShell = ""
	if x.d.Libc == libcGlibc || x.d.Libc == libcNone && has("GLIBC_TUNABLES") {
		p.orShell = "/bin/sh" // its execvp hands a text to the shell
	}
	isEnv, isShell := name == "env" && has("ignore-environment"), shells[name] && (boxed || has("PS4"))
	splits := isEnv && has("split-string") && !boxed
	if wraps = wraps && (boxed || has(w.mark)); wraps || isEnv && !asksSplit.MatchString(strings.Join(p.argv[1:], " ")) || isShell ||
		readers[strings.TrimRight(name, "0123456789.")] {
		if err := x.badOption(p, name); err != nil {
			return err
		}
	}
	switch {
	case loads && (has("musl libc") || has("GLIBC")):
		return x.byLoader(ctx, p, content)
	case isEnv:
		return x.byEnv(ctx, p, splits)
	case isShell:
		return x.byShell(ctx, p, name, content)
	case wraps:
		return x.wrapped(ctx, p, w)
	}
	return x.scriptEnds(ctx, p)
}

// wrapped follows a wrapper to its program.
func (x *examination) wrapped(ctx context.Context, p process, w wrapper) error {
	options, words := w.options(p.argv[1:])
	for option, value := range options {
		if informs[option] {
			return nil
		}
		if option == "/" || strings.HasPrefix(value, unknowable) { // another root
			return x.unseen("what " + p.at.Path + " starts")
		}
	}
	if len(words) <= w.before {
		if w.alone && len(words)+len(options) == 0 {
			return nil
		}
		return x.cannot(NoCommand, facts{At: p.at.Path}, p.asked,
			Evidence{"it starts the program that its words name, and they name none", p.at.Path, fmt.Sprintf("%q", p.argv)})
	}
	if slices.ContainsFunc(words[:w.before], func(word string) bool { return strings.HasPrefix(word, unknowable) }) {
		return x.unseen("what " + p.at.Path + " starts")
	}
	if w.refuses != nil {
		if why := w.refuses(options, p.at.Mode); why != "" {
			return unknown("%s %s: it starts no program", p.at.Path, why)
		}
	}
	if err := x.folderOf(ctx, p, options[w.folder]); err != nil {
		return err
	}
	if w.user != nil {
		if spec := w.user(options, words); spec != "" {
			asked := Evidence{"the program goes on as another user", p.at.Path, fmt.Sprintf("%q", p.argv)}
			own := w.late && len(options) == 1 && spec == fmt.Sprint(x.as.uid)
			if x.as.uid != 0 && !own && p.at.Mode&fs.ModeSetuid == 0 {
				return x.cannot(UserCannotExecute, facts{Name: p.at.Path, At: p.at.Path, Switch: true}, p.asked, asked,
					Evidence{"only root may change the user, and the process runs as", "config.User", x.describeUser()})
			}
			if x.yields = true; w.named && number.MatchString(spec) && !strings.HasPrefix(options["u"], ":") {
				return x.unlisted(ctx, UnknownUser, spec, spec, asked)
			}
			if err := x.become(ctx, spec, asked); err != nil {
				return err
			}
			if w.late {
				x.as.past = new(bool)
			}
		}
	}
	return x.next(ctx, p, words[w.before:], p.env)
}

// folderOf looks at a folder that a program reads or goes to before it starts another one; "": there is none.
func (x *examination) folderOf(ctx context.Context, p process, dir string) error {
	if dir == "" {
		return nil
	}
	at, _, err := x.files.look(ctx, dir, x.as)
	if err == nil && !at.Mode.IsDir() {
		return unknown("%s gives up where %s is no folder that it may enter: it starts no program", p.at.Path, dir)
	}
	return err
}

// next executes the words that a program starts in turn.
func (x *examination) next(ctx context.Context, p process, words []string, env map[string]string) error {
	if strings.HasPrefix(words[0], unknowable) {
		return x.unseen("what " + p.at.Path + " starts")
	}
	next := process{name: words[0], argv: words, env: env, line: p.line, orShell: p.orShell,
		asked: Evidence{"it starts in turn", p.at.Path, strings.ReplaceAll(fmt.Sprintf("%q", words), `"\x00`, `"`)}}
	if slices.Contains(p.box, words[0]) {
		x.way = append(x.way, next.asked)
		next.name, next.at = p.name, p.at
		if err := x.turn(next); err != nil {
			return err
		}
		return x.inTurn(ctx, next)
	}
	if strings.Contains(next.name, "/") {
		return x.launch(ctx, next)
	}
	hit, err := x.onPath(ctx, next)
	switch {
	case err != nil:
		return err
	case hit != "":
		next.name = hit
		return x.launch(ctx, next)
	case next.line != nil:
		return x.notThere(ctx, next, &lookupError{kind: absent, at: x.searchPath(env)})
	}
	return x.notOnPath(next, x.searchPath(env), "PATH")
}

// searchPath is where execvp looks.
func (x *examination) searchPath(env map[string]string) string {
	if search, set := env["PATH"]; set {
		return search
	}
	if x.d.Libc == libcMusl {
		return "/usr/local/bin:/bin:/usr/bin"
	}
	return "/bin:/usr/bin" // the C library's own (confstr _CS_PATH)
}

// onPath finds a name as execvp does: what this user may not execute is passed over, and is the finding where there is no other.
func (x *examination) onPath(ctx context.Context, p process) (hit string, denied error) {
	if x.options.Open["PATH"] {
		return "", unknown(noPath, p.name)
	}
	for _, dir := range searched(x.searchPath(p.env), p.name) {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		name := strings.TrimSuffix(dir, "/") + "/" + p.name
		if dir == "" {
			name = "./" + p.name
		}
		at, there, err := x.files.look(ctx, name, x.as)
		if err != nil {
			return "", err
		}
		if !there || at.Mode.IsDir() || denied != nil && !x.as.mayRun(at.Entry) {
			continue
		}
		if err := x.mayExecute(process{name: name, at: at, asked: p.asked}); err == nil {
			return name, nil
		} else if denied == nil {
			denied = err
		}
	}
	return "", denied
}
