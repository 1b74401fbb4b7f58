package corpus

import (
	"path"
	"path/filepath"

	"optimizing-dockerfile/internal/doctor"
)

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
