package corpus

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

// Case is one image, and what is to be said about it.
type Case struct {
	Name  string
	Cause doctor.Cause // empty: it starts
	Image Spec
	// Healthy is the image that it was made from: where a fix copies a file
	// "from the build", this has it.
	Healthy Spec
	// ByMode: the cause is a mode that an engine may pass over (doctor.Machine.Overrides).
	ByMode bool
}

// On is the case on a machine: there it may start, or its program of 32 bits may not.
func (c Case) On(m doctor.Machine) Case {
	if c.refused(m) && c.Cause == "" {
		c.Cause, c.Healthy = doctor.WrongArchitecture, static()
	}
	if c.ByMode && m.Overrides {
		c.Cause = ""
	}
	return c
}

// refused says that a machine's kernel runs no such program, whatever its image holds.
func (c Case) refused(m doctor.Machine) bool {
	return strings.HasPrefix(c.Name, "i386-") && m.Only64 != nil && m.Only64()
}

// closedByMode is the cause of those cases.
const closedByMode = doctor.UserCannotExecute + " by mode"

// builder collects cases.
type builder struct{ cases []Case }

// from takes a healthy image; the returned function makes a case of it by one change, in one or several steps.
func (b *builder) from(healthy Spec) func(name string, cause doctor.Cause, changes ...change) {
	return func(name string, cause doctor.Cause, changes ...change) {
		plain, byMode := strings.CutSuffix(string(cause), " by mode")
		b.cases = append(b.cases,
			Case{Name: name, Cause: doctor.Cause(plain), Image: healthy.with(changes...), Healthy: healthy, ByMode: byMode})
	}
}

// Cases are all that can be made on this machine. Programs from a compiler are
// in only where it has one: skipped says what it lacks.
func Cases() (cases []Case, skipped []string) {
	b := &builder{}
	b.accounts()
	b.commands()
	b.paths()
	b.permissions()
	b.scripts()
	b.formats()
	b.layers()
	for _, group := range []struct {
		with, what string
		add        func(*builder, *compiler)
	}{
		{"gcc", "glibc", (*builder).glibc},
		{"musl-gcc", "musl", (*builder).musl},
		{"musl-gcc", "a program for glibc on musl", (*builder).shim},
		{"busybox", "env of busybox", (*builder).busyboxEnv},
		{"gcc", "env of coreutils", (*builder).coreutilsEnv},
		{"busybox", "what it starts in turn", (*builder).turns},
		{"go", "a program of Go", (*builder).goPIE},
		{"gcc", "libraries elsewhere", (*builder).prefixes},
		{"musl-gcc", "programs that become another user", (*builder).users},
	} {
		part := &builder{}
		if err := with(group.with, func(c *compiler) { group.add(part, c) }); err != nil {
			skipped = append(skipped, fmt.Sprintf("%s, with %s: %v", group.what, group.with, err))
			continue
		}
		b.cases = append(b.cases, part.cases...)
	}
	return b.cases, skipped
}

// A change is a step from one image to another.
type change = func(*Spec)

func user(name string) change            { return func(s *Spec) { s.User = name } }
func workdir(dir string) change          { return func(s *Spec) { s.WorkingDir = dir } }
func env(values ...string) change        { return func(s *Spec) { s.Env = values } }
func entrypoint(words ...string) change  { return func(s *Spec) { s.Entrypoint = words } }
func cmd(words ...string) change         { return func(s *Spec) { s.Cmd = words } }
func shell(words ...string) change       { return func(s *Spec) { s.Shell = words } }
func put(name string, f File) change     { return func(s *Spec) { s.put(name, f) } }
func link(name, target string) change    { return put(name, File{Link: target}) }
func folder(name string, m int64) change { return put(name, File{Dir: true, Mode: m}) }

// edited has a file changed.
func edited(name string, how func(*File)) change {
	return func(s *Spec) {
		f := s.Files[name]
		how(&f)
		s.put(name, f)
	}
}

func mode(name string, mode int64) change { return edited(name, func(f *File) { f.Mode = mode }) }

// copied has a file at another place, too.
func copied(from, to string) change { return func(s *Spec) { s.put(to, s.Files[from]) } }

func moved(from, to string) change {
	return func(s *Spec) { copied(from, to)(s); without(from)(s) }
}

// without is an image that lacks a file, or a folder with all in it.
func without(path string) change {
	return func(s *Spec) {
		for name := range s.Files {
			if name == path || strings.HasPrefix(name, path+"/") {
				delete(s.Files, name)
			}
		}
	}
}

// text is a file that is no program.
func text(content string) File { return File{Mode: 0o644, Data: []byte(content)} }

// app is a program that starts wherever it lies.
var app = tiny{}.file()

// static is the smallest image that starts.
func static() Spec { return Spec{}.with(entrypoint("/app"), put("/app", app)) }

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\necho:*:12345:12345:Echo Server:/:\n"
	group  = "root:x:0:\necho:*:12345:\nextra:*:777:echo\n"
)

func accounts() Spec {
	return static().with(put("/etc/passwd", text(passwd)), put("/etc/group", text(group)), user("echo:echo"))
}

func (b *builder) accounts() {
	add := b.from(accounts())
	add("user-and-group", "")
	add("user-numeric", "", user("12345:12345"))
	add("user-numeric-nowhere", "", user("4242"), without("/etc"))
	add("user-root-number", "", user("0"), without("/etc"))
	add("user-name-group-number", "", user("echo:777"))
	add("user-empty-group", "", user("echo:"))
	add("user-behind-link", "", copied("/etc/passwd", "/data/passwd"), link("/etc/passwd", "../data/passwd"))
	add("user-no-passwd", doctor.UnknownUser, without("/etc/passwd"))
	add("user-not-listed", doctor.UnknownUser, user("nobody"))
	add("user-root-no-passwd", doctor.UnknownUser, user("root"), without("/etc"))
	add("user-dangling-passwd", doctor.UnknownUser, link("/etc/passwd", "/nowhere"))
	add("user-out-of-range", doctor.UserOutOfRange, user("99999999999"))
	add("user-beyond-the-last", doctor.UserOutOfRange, user("2147483648"))
	add("user-the-last", "", user("2147483647"))
	add("user-negative", doctor.UserOutOfRange, user("-1"))
	add("group-out-of-range", doctor.UserOutOfRange, user("echo:4000000000"))
	add("user-and-shell-missing", doctor.UnknownUser, user("ghost"), entrypoint("/bin/sh", "-c", "/app"))
	add("group-not-listed", doctor.UnknownGroup, user("echo:staff"))
	add("group-no-file", doctor.UnknownGroup, without("/etc/group"))
	add("group-of-a-number", doctor.UnknownGroup, user("12345:staff"))
}

func (b *builder) commands() {
	add := b.from(static())
	add("plain", "")
	add("cmd-only", "", entrypoint(), cmd("/app"))
	add("entrypoint-of-one-empty-word", "", entrypoint(""), cmd("/app"))
	add("entrypoint-and-cmd", "", cmd("", "x"))
	add("no-command", doctor.NoCommand, entrypoint())
	add("no-command-empty-entrypoint", doctor.NoCommand, entrypoint(""))
	add("empty-entrypoint", doctor.EmptyCommand, entrypoint("", "x"))
	add("empty-cmd", doctor.EmptyCommand, entrypoint(), cmd(""))

	add("workdir-missing", "", workdir("/srv/deep/down"))
	add("workdir-dangling-link", "", link("/srv", "/made/later"), workdir("/srv"))
	add("workdir-closed-absolute", "", folder("/srv", 0o700), workdir("/srv"), user("12345"))
	add("workdir-relative-program", "", workdir("/"), entrypoint("./app"))
	add("workdir-file", doctor.WorkdirUnusable, workdir("/app"))
	add("workdir-below-file", doctor.WorkdirUnusable, workdir("/app/x"))
	add("workdir-link-to-file", doctor.WorkdirUnusable, link("/srv", "app"), workdir("/srv"))

	add = b.from(static().with(put("/bin/sh", app), entrypoint("/bin/sh", "-c", "/app")))
	bash := []string{"/bin/bash", "-o", "pipefail", "-c"}
	add("shell-form", "")
	add("shell-form-program-missing", "", without("/app")) // the shell starts
	add("shell-of-SHELL", "", copied("/bin/sh", "/my/shell"), shell("/my/shell", "-x"), entrypoint("/my/shell", "-x", "/app"))
	add("shell-missing", doctor.MissingShell, without("/bin"))
	add("shell-missing-cmd", doctor.MissingShell, without("/bin"), entrypoint(), cmd("/bin/sh", "-c", "/app"))
	add("shell-dangling", doctor.MissingShell, link("/bin/sh", "busybox"))
	add("shell-of-SHELL-missing", doctor.MissingShell, shell(bash...), entrypoint(append(bash, "/app")...))
	add("shell-operators-missing", doctor.MissingShell, without("/bin"), entrypoint("/bin/sh", "-c", "/app && echo done"))
	add("shell-not-executable", doctor.NotExecutable, mode("/bin/sh", 0o644))
}
