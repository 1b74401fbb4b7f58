package corpus

import (
	"slices"
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

// On is the case on a machine: there it may start.
func (c Case) On(m doctor.Machine) Case {
	if c.ByMode && m.Overrides {
		c.Cause = ""
	}
	return c
}

// closedByMode is the cause of those cases.
const closedByMode = doctor.UserCannotExecute + " by mode"

// builder collects cases.
type builder struct{ cases []Case }

// from takes a healthy image; the returned function makes a case of it by one change.
func (b *builder) from(healthy Spec) func(name string, cause doctor.Cause, change func(*Spec)) {
	return func(name string, cause doctor.Cause, change func(*Spec)) {
		image := healthy.clone()
		if change != nil {
			change(&image)
		}
		plain, byMode := strings.CutSuffix(string(cause), " by mode")
		b.cases = append(b.cases, Case{Name: name, Cause: doctor.Cause(plain), Image: image, Healthy: healthy, ByMode: byMode})
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
	skipped = slices.Concat(b.dynamic(), b.environment(), b.turns(), b.toolchains())
	return b.cases, skipped
}

// static is the smallest image that starts.
func static() Spec {
	s := Spec{Entrypoint: []string{"/app"}}
	s.put("/app", File{Data: tiny{}.bytes()})
	return s
}

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\necho:*:12345:12345:Echo Server:/:\n"
	group  = "root:x:0:\necho:*:12345:\nextra:*:777:echo\n"
)

func accounts() Spec {
	s := static()
	s.put("/etc/passwd", File{Mode: 0o644, Data: []byte(passwd)})
	s.put("/etc/group", File{Mode: 0o644, Data: []byte(group)})
	s.User = "echo:echo"
	return s
}

func user(name string) func(*Spec) { return func(s *Spec) { s.User = name } }

func without(path string) func(*Spec) {
	return func(s *Spec) {
		for name := range s.Files {
			if name == path || strings.HasPrefix(name, path+"/") {
				delete(s.Files, name)
			}
		}
	}
}

func (b *builder) accounts() {
	add := b.from(accounts())
	add("user-and-group", "", nil)
	add("user-numeric", "", user("12345:12345"))
	add("user-numeric-nowhere", "", func(s *Spec) { s.User = "4242"; without("/etc")(s) })
	add("user-root-number", "", func(s *Spec) { s.User = "0"; without("/etc")(s) })
	add("user-name-group-number", "", user("echo:777"))
	add("user-empty-group", "", user("echo:"))
	add("user-behind-link", "", func(s *Spec) {
		s.put("/data/passwd", s.Files["/etc/passwd"])
		s.put("/etc/passwd", File{Link: "../data/passwd"})
	})
	add("user-no-passwd", doctor.UnknownUser, without("/etc/passwd"))
	add("user-not-listed", doctor.UnknownUser, user("nobody"))
	add("user-root-no-passwd", doctor.UnknownUser, func(s *Spec) { s.User = "root"; without("/etc")(s) })
	add("user-dangling-passwd", doctor.UnknownUser, func(s *Spec) { s.put("/etc/passwd", File{Link: "/nowhere"}) })
	add("user-out-of-range", doctor.UserOutOfRange, user("99999999999"))
	add("user-beyond-the-last", doctor.UserOutOfRange, user("2147483648"))
	add("user-the-last", "", user("2147483647"))
	add("user-negative", doctor.UserOutOfRange, user("-1"))
	add("group-out-of-range", doctor.UserOutOfRange, user("echo:4000000000"))
	add("user-and-shell-missing", doctor.UnknownUser, func(s *Spec) {
		s.User, s.Entrypoint = "ghost", []string{"/bin/sh", "-c", "/app"}
	})
	add("group-not-listed", doctor.UnknownGroup, user("echo:staff"))
	add("group-no-file", doctor.UnknownGroup, without("/etc/group"))
	add("group-of-a-number", doctor.UnknownGroup, user("12345:staff"))
}

func entrypoint(words ...string) func(*Spec) { return func(s *Spec) { s.Entrypoint = words } }

func (b *builder) commands() {
	add := b.from(static())
	add("plain", "", nil)
	add("cmd-only", "", func(s *Spec) { s.Entrypoint, s.Cmd = nil, []string{"/app"} })
	add("entrypoint-of-one-empty-word", "", func(s *Spec) { s.Entrypoint, s.Cmd = []string{""}, []string{"/app"} })
	add("entrypoint-and-cmd", "", func(s *Spec) { s.Cmd = []string{"", "x"} })
	add("no-command", doctor.NoCommand, entrypoint())
	add("no-command-empty-entrypoint", doctor.NoCommand, entrypoint(""))
	add("empty-entrypoint", doctor.EmptyCommand, entrypoint("", "x"))
	add("empty-cmd", doctor.EmptyCommand, func(s *Spec) { s.Entrypoint, s.Cmd = nil, []string{""} })

	add("workdir-missing", "", func(s *Spec) { s.WorkingDir = "/srv/deep/down" })
	add("workdir-dangling-link", "", func(s *Spec) {
		s.put("/srv", File{Link: "/made/later"})
		s.WorkingDir = "/srv"
	})
	add("workdir-closed-absolute", "", func(s *Spec) {
		s.put("/srv", File{Dir: true, Mode: 0o700})
		s.WorkingDir, s.User = "/srv", "12345"
	})
	add("workdir-relative-program", "", func(s *Spec) { s.WorkingDir = "/"; s.Entrypoint = []string{"./app"} })
	add("workdir-file", doctor.WorkdirUnusable, func(s *Spec) { s.WorkingDir = "/app" })
	add("workdir-below-file", doctor.WorkdirUnusable, func(s *Spec) { s.WorkingDir = "/app/x" })
	add("workdir-link-to-file", doctor.WorkdirUnusable, func(s *Spec) {
		s.put("/srv", File{Link: "app"})
		s.WorkingDir = "/srv"
	})

	shell := static()
	shell.put("/bin/sh", File{Data: tiny{}.bytes()})
	shell.Entrypoint = []string{"/bin/sh", "-c", "/app"}
	add = b.from(shell)
	add("shell-form", "", nil)
	add("shell-form-program-missing", "", without("/app")) // the shell starts
	add("shell-of-SHELL", "", func(s *Spec) {
		s.put("/my/shell", s.Files["/bin/sh"])
		s.Shell, s.Entrypoint = []string{"/my/shell", "-x"}, []string{"/my/shell", "-x", "/app"}
	})
	add("shell-missing", doctor.MissingShell, without("/bin"))
	add("shell-missing-cmd", doctor.MissingShell, func(s *Spec) {
		without("/bin")(s)
		s.Entrypoint, s.Cmd = nil, []string{"/bin/sh", "-c", "/app"}
	})
	add("shell-dangling", doctor.MissingShell, func(s *Spec) { s.put("/bin/sh", File{Link: "busybox"}) })
	add("shell-of-SHELL-missing", doctor.MissingShell, func(s *Spec) {
		s.Shell, s.Entrypoint = []string{"/bin/bash", "-o", "pipefail", "-c"}, []string{"/bin/bash", "-o", "pipefail", "-c", "/app"}
	})
	add("shell-operators-missing", doctor.MissingShell, func(s *Spec) {
		without("/bin")(s)
		s.Entrypoint = []string{"/bin/sh", "-c", "/app && echo done"}
	})
	add("shell-not-executable", doctor.NotExecutable, func(s *Spec) { s.put("/bin/sh", File{Mode: 0o644, Data: tiny{}.bytes()}) })
}
