package corpus

import (
	"os"
	"os/exec"
	"path"

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

// toolchains adds programs as certain linkers and languages make them, and those that change the user.
func (b *builder) toolchains() (skipped []string) {
	for name, add := range map[string]func() error{"go": b.goPIE, "gcc": b.prefixes, "musl-gcc": b.users} {
		if err := add(); err != nil {
			skipped = append(skipped, "made by "+name+": "+err.Error())
		}
	}
	return skipped
}

// goPIE is a program of Go that has a loader for -buildmode=pie alone.
func (b *builder) goPIE() error {
	dir, err := os.MkdirTemp("", "optimizing-dockerfile-corpus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	source, out := path.Join(dir, "main.go"), path.Join(dir, "app")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { println(\"started\") }\n"), 0o644); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-buildmode=pie", "-o", out, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux")
	if err := build.Run(); err != nil {
		return err
	}
	s := Spec{Entrypoint: []string{"/app"}}
	data, err := os.ReadFile(out)
	s.put("/app", File{Data: data})
	b.from(s)("go-pie", doctor.MissingLoader, nil)
	return err
}

// prefixes are programs with a loader and libraries where no distribution has them, and one of Rust's.
func (b *builder) prefixes() error {
	c, err := newCompiler("gcc")
	if err != nil {
		return err
	}
	defer c.close()
	lib, err := c.hostLibrary("libc.so.6")
	if err != nil {
		return err
	}
	unwinder, err := c.hostLibrary("libgcc_s.so.1")
	if err != nil {
		return err
	}
	base := Spec{Entrypoint: []string{"/app"}}
	loader := c.program(&base, "/app", mainC)
	if err := c.host(&base, loader, lib); err != nil {
		return err
	}
	store := "/nix/store/0c7sn5cl7k9gjpd1a2b3c4d5e6f7g8h9-glibc-2.36/lib"
	nix := Spec{Entrypoint: []string{"/app"}}
	c.program(&nix, "/app", mainC, "-Wl,--dynamic-linker="+path.Join(store, path.Base(loader)), "-Wl,-rpath,"+store)
	nix.put(path.Join(store, path.Base(loader)), base.Files[loader])
	nix.put(path.Join(store, "libc.so.6"), base.Files[lib])
	add := b.from(nix)
	add("store-path", "", nil)
	add("store-path-left-behind", doctor.MissingLoader, without("/nix"))
	add("store-path-of-library-left-behind", doctor.MissingLibrary, without(path.Join(store, "libc.so.6")))

	rust := base.clone()
	c.program(&rust, "/app", mainC+"const char *made = \"/rustc/abc/library\";\n", "-Wl,--no-as-needed", "-lgcc_s")
	if err := c.host(&rust, unwinder); err != nil {
		return err
	}
	add = b.from(rust)
	add("rust", "", nil)
	add("rust-no-unwinder", doctor.MissingLibrary, without(unwinder))
	return c.err
}

// users are programs that become another user, and a musl program with the linker's own default loader.
func (b *builder) users() error {
	c, err := newCompiler("musl-gcc")
	if err != nil {
		return err
	}
	defer c.close()
	ld := Spec{Entrypoint: []string{"/app"}}
	loader := c.program(&ld, "/app", mainC)
	c.program(&ld, "/app", mainC, "-Wl,--dynamic-linker=/lib/ld64.so.1")
	if err := c.host(&ld, loader); err != nil {
		return err
	}
	ld.put("/lib/ld64.so.1", ld.Files[loader])
	add := b.from(ld)
	add("linkers-default-loader", "", nil)
	add("linkers-default-loader-missing", doctor.MissingLoader, without("/lib/ld64.so.1"))

	s := accounts()
	s.User, s.Entrypoint = "", []string{"/gosu", "echo", "/app"}
	s.put("/gosu", File{Data: c.build("gosu", gosuC, "-static")})
	add = b.from(s)
	add("gosu", "", nil)
	add("gosu-not-root", doctor.UserCannotExecute, user("12345:12345"))
	add("gosu-nobody", doctor.UnknownUser, func(s *Spec) { s.Entrypoint = []string{"/gosu", "ghost", "/app"} })
	add("gosu-to-a-closed-program", doctor.UserCannotExecute, func(s *Spec) { s.put("/app", File{Mode: 0o700, Data: tiny{}.bytes()}) })
	add("gosu-no-program", doctor.MissingEntrypoint, without("/app"))
	return c.err
}
