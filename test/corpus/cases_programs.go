package corpus

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

func (b *builder) paths() {
	add := b.from(Spec{}.with(entrypoint("/opt/bin/app"), put("/opt/bin/app", app)))
	add("path", "")
	add("path-through-folder-link", "", link("/usr", "opt"), entrypoint("/usr/bin/app"))
	add("path-chain-of-links", "", link("/a", "/b"), link("/b", "opt/../c"), link("/c", "./opt/bin/app"), entrypoint("/a"))
	add("path-link-above-root", "", link("/app", "../../../opt/bin/app"), entrypoint("/app"))
	add("path-dotdot-is-physical", "", link("/x/y", "/opt/bin"), entrypoint("/x/y/../bin/app"))
	add("path-dotdot-is-not-lexical", doctor.MissingEntrypoint, link("/x/y", "/opt/bin"), put("/x/app", app), entrypoint("/x/y/../app"))
	add("path-hard-link", "", put("/app", File{Hard: "/opt/bin/app"}), entrypoint("/app"))
	add("path-dangling", doctor.DanglingSymlink, link("/opt/bin/app", "/nowhere"))
	add("path-dangling-folder", doctor.DanglingSymlink, link("/usr", "/nowhere"), entrypoint("/usr/bin/app"))
	add("path-loop", doctor.DanglingSymlink, link("/opt/bin/app", "other"), link("/opt/bin/other", "app"))
	add("path-through-file", doctor.NotADirectory, entrypoint("/opt/bin/app/app"))
	add("path-trailing-slash", doctor.NotADirectory, entrypoint("/opt/bin/app/"))
	add("path-folder", doctor.IsDirectory, entrypoint("/opt/bin"))
	add("path-link-to-folder", doctor.IsDirectory, link("/app", "opt"), entrypoint("/app"))
	add("path-missing", doctor.MissingEntrypoint, entrypoint("/app"))
	add("path-missing-folder", doctor.MissingEntrypoint, entrypoint("/usr/local/bin/app"))
	add("path-other-case", doctor.MissingEntrypoint, entrypoint("/opt/bin/App"))
	add("path-with-blank", doctor.MissingEntrypoint, entrypoint("/opt/bin/app --serve"))
	add("path-relative-in-new-workdir", doctor.MissingEntrypoint, entrypoint("./app"), workdir("/srv"))
	add("path-of-git-bash", doctor.MissingEntrypoint, entrypoint("C:/Program Files/Git/opt/bin/app", "-x"))
	add("path-hidden-by-mount", doctor.MissingEntrypoint, put("/dev/app", app), entrypoint("/dev/app"))

	add = b.from(Spec{}.with(entrypoint("app"), put("/usr/local/bin/app", app)))
	add("name", "")
	add("name-env-path", "", copied("/usr/local/bin/app", "/go/bin/app"), without("/usr"), env("PATH=/nowhere:/go/bin"))
	add("name-folder-passed-over", "", folder("/usr/local/sbin/app", 0o755))
	add("name-no-x-passed-over", "", put("/usr/local/sbin/app", text("")))
	add("name-dangling-passed-over", "", link("/usr/local/sbin/app", "/nowhere"))
	add("name-first-hit-broken", doctor.ExecFormat, put("/usr/local/sbin/app", File{}))
	add("name-not-on-path", doctor.NotOnPath, env("PATH=/usr/bin:/bin"))
	add("name-in-root", doctor.NotOnPath, put("/app", app), without("/usr"))
	add("name-path-empty", doctor.NotOnPath, env("PATH="))
	add("name-path-relative", doctor.NotOnPath, env("PATH=.:/usr/local/bin"), workdir("/usr/local/bin"))
	add("name-without-x", doctor.NotOnPath, mode("/usr/local/bin/app", 0o644))
	add("name-no-sh", doctor.NotOnPath, entrypoint("sh", "-c", "/app"))
}

func (b *builder) permissions() {
	add := b.from(static())
	of := func(mode int64, uid, gid int) change {
		return put("/app", File{Mode: mode, UID: uid, GID: gid, Data: app.Data})
	}
	add("x-for-root-by-any-bit", "", of(0o001, 7, 0))
	add("x-only-no-read", "", mode("/app", 0o111), user("12345"))
	add("x-owner", "", of(0o700, 12345, 0), user("12345"))
	add("x-group", "", of(0o710, 0, 777), user("12345:777"))
	add("no-x", doctor.NotExecutable, mode("/app", 0o644))
	add("no-x-as-user", doctor.NotExecutable, mode("/app", 0o644), user("12345"))
	add("x-others-only-as-owner", closedByMode, of(0o655, 12345, 0), user("12345"))
	add("x-root-only", closedByMode, mode("/app", 0o700), user("12345:12345"))

	add = b.from(static().with(copied("/app", "/home/echo/app"), entrypoint("/home/echo/app"), user("12345")))
	add("folder-x-only", "", folder("/home/echo", 0o711))
	add("folder-closed-to-root", "", folder("/home", 0o600), user(""))
	add("folder-closed", closedByMode, folder("/home/echo", 0o700))
	add("folder-no-x", closedByMode, folder("/home", 0o644))
	add("workdir-closed-relative", closedByMode, folder("/home/echo", 0o700), workdir("/home/echo"), entrypoint("./app"))

	add = b.from(accounts().with(user("echo"), of(0o710, 0, 777)))
	add("x-by-further-group", "")
	add("x-further-group-dropped", closedByMode, user("echo:echo"))
}

func (b *builder) scripts() {
	add := b.from(Spec{}.with(entrypoint("/start.sh"), put("/bin/run", app), put("/start.sh", script("#!/bin/run", "anything"))))
	with := func(lines ...string) change { return put("/start.sh", script(lines...)) }
	interpreter := func(t tiny) change { return put("/bin/run", t.file()) }
	add("script", "")
	add("script-argument-and-blanks", "", with("#! \t/bin/run  -e  ", ""))
	add("script-no-end-of-line", "", put("/start.sh", File{Data: []byte("#!/bin/run")}))
	add("script-argument-with-cr", "", with("#!/bin/run -e\r", ""))
	add("script-interpreter-named-with-cr", "", with("#!/bin/run\r", ""), copied("/bin/run", "/bin/run\r"))
	add("script-relative-interpreter", "", with("#!bin/run"))
	add("script-not-readable", "", with("#!/bin/run"), mode("/start.sh", 0o111), user("12345"))
	add("script-crlf", doctor.CRLFInterpreter, with("#!/bin/run\r", "anything\r"))
	add("script-no-interpreter", doctor.MissingInterpreter, with("#!/bin/bash", ""))
	add("script-dangling-interpreter", doctor.MissingInterpreter, with("#!/bin/bash", ""), link("/bin/bash", "/nowhere"))
	add("script-bom", doctor.ExecFormat, with("\xef\xbb\xbf#!/bin/run", ""))
	add("script-no-line", doctor.ExecFormat, with("echo hello", ""))
	add("script-blank-first", doctor.ExecFormat, with("", "#!/bin/run"))
	add("script-names-nothing", doctor.ExecFormat, with("#!  ", ""))
	add("script-line-too-long", doctor.ExecFormat, with("#!/bin/"+strings.Repeat("./", 150)+"run", ""))
	add("script-interpreter-without-x", doctor.NotExecutable, mode("/bin/run", 0o644))
	add("script-interpreter-closed", closedByMode, mode("/bin/run", 0o700), user("12345"))
	add("script-interpreter-foreign", doctor.WrongArchitecture, interpreter(tiny{machine: other()}))
	add("script-interpreter-no-loader", doctor.MissingLoader, interpreter(tiny{interp: "/lib/ld-musl-x86_64.so.1"}))
	for n, cause := range map[int]doctor.Cause{5: "", 6: doctor.ExecFormat} {
		add(fmt.Sprintf("script-chain-of-%d", n), cause, with("#!/bin/s2"), func(s *Spec) {
			for i := 1; i < n; i++ {
				s.put(fmt.Sprintf("/bin/s%d", i), script(fmt.Sprintf("#!/bin/s%d", i+1)))
			}
			s.put(fmt.Sprintf("/bin/s%d", n), script("#!/bin/run"))
		})
	}
}

func (b *builder) formats() {
	add := b.from(static())
	is := func(t tiny) change { return put("/app", t.file()) }
	holds := func(content string) change { return put("/app", File{Data: []byte(content)}) }
	loaded := is(tiny{pie: true, interp: "/lib/loader"})
	loader := func(t tiny) change { return put("/lib/loader", t.file()) }
	another := map[uint16]string{amd64: "arm64", arm64: "amd64"}[here()]
	add("static-pie", "", is(tiny{pie: true}))
	add("no-section-headers", "", is(tiny{}))
	add("label-of-another-machine", "", func(s *Spec) { s.Arch = another })
	if here() == amd64 {
		add("i386-on-amd64", "", is(tiny{machine: i386}))
		add := b.from(static().with(is(tiny{machine: i386, interp: "/lib/ld-linux.so.2"}),
			put("/lib/ld-linux.so.2", tiny{machine: i386}.file())))
		add("i386-loader", "")
		add("i386-no-loader", doctor.MissingLoader, without("/lib"))
	}
	add("loader-by-path", "", loaded, loader(tiny{pie: true}))
	add("loader-behind-links", "", is(tiny{pie: true, interp: "/lib64/loader"}), link("/lib64", "usr/lib64"),
		link("/usr/lib64/loader", "../lib/loader"), put("/usr/lib/loader", tiny{pie: true}.file()))
	add("empty", doctor.ExecFormat, put("/app", File{}))
	add("text", doctor.ExecFormat, holds("hello\n"))
	add("mach-o", doctor.ExecFormat, holds("\xcf\xfa\xed\xfe\x07\x00\x00\x01\x03\x00\x00\x00"))
	add("pe", doctor.ExecFormat, holds("MZ\x90\x00\x03\x00\x00\x00"))
	add("cut-in-header", doctor.ExecFormat, holds(string(app.Data[:40])))
	add("cut-in-program-headers", doctor.ExecFormat, holds(string(app.Data[:80])))
	add("object-file", doctor.ExecFormat, is(tiny{typ: 1}))
	add("foreign", doctor.WrongArchitecture, is(tiny{machine: other()}))
	add("foreign-loader", doctor.WrongArchitecture, loaded, loader(tiny{pie: true, machine: other()}))
	add("no-loader", doctor.MissingLoader, is(tiny{pie: true, interp: "/lib64/ld-linux-x86-64.so.2"}))
	add("no-loader-behind-link", doctor.MissingLoader, loaded, link("/lib/loader", "/usr/lib/loader"))
	add("loader-without-x", doctor.NotExecutable, loaded, loader(tiny{pie: true}), mode("/lib/loader", 0o644))
	add("loader-empty", doctor.ExecFormat, loaded, put("/lib/loader", File{}))
}

// gosuC becomes the user of its first word and executes the others, as gosu does.
const gosuC = `#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>
const char *mark = "gosu user-spec";
int main(int c, char **v) {
	char *end;
	long uid = c > 2 ? strtol(v[1], &end, 10) : -1;
	int named = c > 2 && *end && *end != ':';
	struct passwd *p = named ? getpwnam(v[1]) : 0;
	if (c < 3 || named && !p) return 1;
	if (p) uid = p->pw_uid;
	if (setgroups(0, 0) || setgid(uid) || setuid(uid)) return 1; // as the first, root alone may
	execvp(v[2], v + 2);
	return *mark;
}`

// goPIE is a program of Go that has a loader for -buildmode=pie alone.
func (b *builder) goPIE(c *compiler) {
	c.run("build", "-buildmode=pie", "-o", "app", c.write("main.go", "package main\n\nfunc main() { println(\"started\") }\n"))
	b.from(Spec{}.with(entrypoint("/app"), put("/app", ofHost(filepath.Join(c.dir, "app")))))("go-pie", doctor.MissingLoader)
}

// prefixes are programs with a loader and libraries where no distribution has them, and one of Rust's.
func (b *builder) prefixes(c *compiler) {
	lib, unwinder := c.find("libc.so.6"), c.find("libgcc_s.so.1")
	base, loader := c.started(lib)
	store := "/nix/store/0c7sn5cl7k9gjpd1a2b3c4d5e6f7g8h9-glibc-2.36/lib"
	inStore := path.Join(store, path.Base(loader))
	add := b.from(base.with(put("/app", c.program(mainC, "-Wl,--dynamic-linker="+inStore, "-Wl,-rpath,"+store)),
		moved(loader, inStore), moved(lib, path.Join(store, "libc.so.6"))))
	add("store-path", "")
	add("store-path-left-behind", doctor.MissingLoader, without("/nix"))
	add("store-path-of-library-left-behind", doctor.MissingLibrary, without(path.Join(store, "libc.so.6")))

	rust := c.program(mainC+"const char *made = \"/rustc/abc/library\";\n", "-Wl,--no-as-needed", "-lgcc_s")
	add = b.from(base.with(put("/app", rust), put(unwinder, ofHost(unwinder))))
	add("rust", "")
	add("rust-no-unwinder", doctor.MissingLibrary, without(unwinder))
}

// users are programs that become another user, and a musl program with the linker's own default loader.
func (b *builder) users(c *compiler) {
	base, loader := c.started()
	add := b.from(base.with(put("/app", c.program(mainC, "-Wl,--dynamic-linker=/lib/ld64.so.1")), copied(loader, "/lib/ld64.so.1")))
	add("linkers-default-loader", "")
	add("linkers-default-loader-missing", doctor.MissingLoader, without("/lib/ld64.so.1"))

	add = b.from(accounts().with(put("/gosu", c.build("gosu", gosuC, "-static")), user(""), entrypoint("/gosu", "echo", "/app")))
	add("gosu", "")
	add("gosu-not-root", doctor.UserCannotExecute, user("12345:12345"))
	add("gosu-nobody", doctor.UnknownUser, entrypoint("/gosu", "ghost", "/app"))
	add("gosu-to-a-closed-program", doctor.UserCannotExecute, mode("/app", 0o700))
	add("gosu-no-program", doctor.MissingEntrypoint, without("/app"))
}
