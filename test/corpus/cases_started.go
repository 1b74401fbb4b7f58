package corpus

import (
	"encoding/binary"
	"os"
	"path"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

// turns adds what a program that has started starts in turn: a shell, env, a wrapper, a loader.
func (b *builder) turns(*compiler) {
	base := Spec{}.with(busybox, put("/app", app), entrypoint("/bin/sh", "-c", "/app --serve"))
	for _, applet := range []string{"sh", "timeout", "time", "echo"} {
		base.put("/bin/"+applet, File{Link: "busybox"})
	}
	line := func(text string) change { return entrypoint("/bin/sh", "-c", text) }
	noLoader := put("/app", tiny{pie: true, interp: "/lib/ld-musl-x86_64.so.1"}.file())
	add := b.from(base)
	add("turn-shell-form", "")
	add("turn-shell-exec-and-variables", "", line("exec /app $HOME"))
	add("turn-shell-assignment", "", line("A=b ./app"))
	add("turn-shell-several-commands", "", line("cd / && ./app"))
	add("turn-shell-text", "", put("/run", File{Data: []byte("/app\n")}), line("/run"))
	add("turn-shell-program-missing", doctor.MissingEntrypoint, without("/app"))
	add("turn-shell-not-on-path", doctor.NotOnPath, line("app"))
	add("turn-shell-no-loader", doctor.MissingLoader, noLoader)
	add("turn-shell-variable", doctor.MissingEntrypoint, env("BIN=/srv/app"), line("exec ${BIN} x"))
	list := func(name string, cause doctor.Cause, text string, changes ...change) {
		add("turn-list-"+name, cause, append(changes, line(text))...)
	}
	onPath := copied("/app", "/bin/app")
	list("variable", doctor.MissingEntrypoint, `["/app", ${X}]`, env("X=y"))
	list("single", doctor.MissingEntrypoint, `['/app', 'x']`)
	list("spaced", doctor.NotOnPath, `[ '/app' ]`)
	list("comma", doctor.MissingEntrypoint, `["/app",]`)
	list("operators", doctor.MissingEntrypoint, `['/app', '-c', 'a && b']`)
	list("names", doctor.NotOnPath, "[app, --x]", onPath)
	list("bare", doctor.MissingEntrypoint, `"/app", "x"`, onPath)
	list("braces", doctor.MissingEntrypoint, `{"/app", "x"}`, onPath)
	list("no-comma", doctor.MissingEntrypoint, `["/app" "x"]`, onPath)
	list("no-shell", doctor.MissingShell, "[“/app”]", without("/bin"))
	positional := entrypoint("/bin/sh", "-c", `exec "$@"`, "--")
	add("turn-words-wrapped", "", env("APP=/app"), line(`exec timeout 9 "$APP" ${NONE} 'a b'`))
	add("turn-words-unknown", "", line("timeout 9 ${APP:-/app}"))
	add("turn-words-arguments", "", positional, cmd("/app"))
	add("turn-words-arguments-missing", doctor.MissingEntrypoint, without("/app"), positional, cmd("/app"))
	add("turn-words-nested", doctor.MissingEntrypoint, without("/app"), line(`sh -c 'exec /app'`))
	add("turn-words-home", doctor.MissingEntrypoint, moved("/app", "/root/app"), line("~/app"))
	add("turn-shell-minus", "", put("/run.sh", text("/app\n")), entrypoint("sh", "-", "/run.sh"))

	add = b.from(base.with(put("/run.sh", text("exec /app\n")), entrypoint("/bin/sh", "-e", "run.sh")))
	add("turn-script", "")
	add("turn-script-missing", doctor.MissingEntrypoint, without("/run.sh"))
	add("turn-script-folder", doctor.IsDirectory, folder("/run", 0o755), copied("/run.sh", "/run/run.sh"), entrypoint("/bin/sh", "/run"))
	add("turn-script-is-program", doctor.ExecFormat, entrypoint("/bin/sh", "/app"))
	add("turn-script-not-readable", doctor.UserCannotExecute, mode("/run.sh", 0o700), user("12345"))

	runs := func(lines ...string) change { return put("/run.sh", script(lines...)) }
	add = b.from(base.with(runs("#!/bin/sh -e", "exec /app"), entrypoint("/run.sh")))
	add("turn-hashbang", "")
	add("turn-hashbang-not-readable", doctor.UserCannotExecute, mode("/run.sh", 0o711), user("12345:12345"))
	add("turn-hashbang-option-with-cr", doctor.CRLFInterpreter, runs("#!/bin/sh -e\r", "exec /app\r"))
	add("turn-hashbang-two-options", doctor.MissingInterpreter, runs("#!/bin/sh -e -x", "exec /app"))
	add("turn-hashbang-of-busybox", doctor.MissingInterpreter, runs("#!/bin/busybox", "exec /app"))
	add("turn-hashbang-lacking-applet", doctor.MissingInterpreter, link("/bin/bash", "busybox"), runs("#!/bin/bash", "exec /app"))
	add("turn-hashbang-env-S", doctor.MissingInterpreter, runs("#!/usr/bin/env -S /app --serve"))

	add = b.from(base.with(copied("/app", "/bin/tool"), entrypoint("/bin/tool", "-c", "/app")))
	add("turn-applet-of-a-hard-link", doctor.MissingEntrypoint, put("/bin/tool", File{Hard: "/bin/busybox"}))
	add("turn-applet-of-a-copy", doctor.MissingEntrypoint, copied("/bin/busybox", "/bin/tool"))

	add = b.from(base.with(entrypoint("/app")))
	add("meant-variable", doctor.NotOnPath, env("BIN=/app"), entrypoint("$BIN"))
	add("meant-exec", doctor.NotOnPath, entrypoint("exec", "/app"))
	add("meant-assignment", doctor.NotOnPath, entrypoint("PORT=80", "/app"))
	add("meant-shell-line", doctor.MissingEntrypoint, entrypoint("echo && /app"))
	add("meant-builtin", doctor.NotOnPath, entrypoint("cd", "/bin", "&&", "/app"))
	add("meant-argument", doctor.NotOnPath, entrypoint("--serve"))
	add("meant-quotes", doctor.MissingEntrypoint, entrypoint("'/app'"))
	add("meant-case", doctor.MissingEntrypoint, entrypoint("/APP"))
	add("meant-no-shell", doctor.NotOnPath, without("/bin"), entrypoint("sh", "-c", "exec /app --x"))

	add = b.from(base.with(entrypoint("timeout", "-s", "KILL", "9"), cmd("time", "-p", "env", "A=b", "/app")))
	add("turn-wrapped", "")
	add("turn-wrapped-busybox", "", entrypoint("busybox", "timeout", "9"))
	add("turn-wrapped-missing", doctor.MissingEntrypoint, without("/app"))
	add("turn-wrapped-no-loader", doctor.MissingLoader, noLoader)
	add("turn-wrapped-closed", doctor.UserCannotExecute, mode("/app", 0o700), user("12345")) // no engine's rights reach so far
	add("turn-wrapped-not-on-path", doctor.NotOnPath, cmd("server"))
}

// layers adds images of several layers, of which a later one hides or replaces what is needed.
func (b *builder) layers() {
	add := b.from(Spec{}.with(entrypoint("app"), put("/usr/bin/app", app), put("/usr/bin/run", app), link("/bin", "usr/bin"),
		put("/start.sh", script("#!/bin/run"))))
	later := func(name string) change { return func(s *Spec) { s.Later = map[string]File{name: {Mode: 0o644}} } }
	add("layer-above", "", later("/usr/bin/other"))
	add("layer-hides-folder", doctor.NotOnPath, later("/usr/bin/.wh..wh..opq"))
	add("layer-deletes-program", doctor.NotOnPath, later("/usr/bin/.wh.app"))
	add("layer-replaces-link", doctor.MissingInterpreter, later("/bin/other"), entrypoint("/start.sh"))

	add = b.from(Spec{}.with(entrypoint("./app"), workdir("/srv"), put("/srv/app", app)))
	add("elsewhere-workdir", "")
	add("elsewhere-other-workdir", doctor.MissingEntrypoint, workdir("/"))
	add("elsewhere-not-on-path", doctor.NotOnPath, entrypoint("app", "--serve"))
}

// secure adds programs with more rights than their user, and libraries that only some look-ups find.
func (b *builder) secure(base Spec, lib, interp string) {
	elsewhere := base.with(moved(lib, "/opt/lib/libc.so.6"), env("LD_LIBRARY_PATH=/opt/lib"))
	add := b.from(elsewhere)
	caps := func(number int, effective byte) change {
		value := make([]byte, 20)
		value[3], value[0] = 2, effective
		binary.LittleEndian.PutUint32(value[4:], 1<<number)
		return put("/app", File{Data: base.Files["/app"].Data, Caps: value})
	}
	add("preload-file", "", func(s *Spec) { // its one line brings the library that no folder has
		s.Env = nil
		s.put("/etc/ld.so.preload", File{Mode: 0o644, Data: []byte("/opt/lib/libc.so.6\n")})
	})
	const netRaw, sysResource = 13, 24
	add("caps-of-root", "", caps(netRaw, 1))
	add("caps-not-there", "", caps(sysResource, 0), user("12345"))
	add("caps-ignore-LD_LIBRARY_PATH", doctor.MissingLibrary, caps(netRaw, 1), user("12345:12345"))
	add("caps-permitted-only", doctor.MissingLibrary, caps(netRaw, 0), user("12345:12345"))
	add("caps-not-granted", doctor.UserCannotExecute, caps(sysResource, 1))

	add = b.from(elsewhere.with(env(), entrypoint(interp, "--library-path", "/opt/lib", "/app"), mode("/app", 0o644)))
	add("loader-by-hand", "")
	add("loader-by-hand-no-library", doctor.MissingLibrary, entrypoint(interp, "/app"))
	add("loader-by-hand-no-program", doctor.MissingEntrypoint, without("/app"))

	own := "/usr/glibc-compat/lib/" // a loader with a default folder of its own, of the same length
	if old := strings.TrimPrefix(path.Dir(lib)+"/", "/usr"); here() == amd64 && len(old) == len(own) {
		folders := strings.NewReplacer("\x00"+old, "\x00"+own, "\x00/lib/\x00", "\x00/nix/\x00")
		loader := File{Data: []byte(folders.Replace(string(base.Files[interp].Data)))}
		add = b.from(base.with(put(interp, loader), moved(lib, own+"libc.so.6")))
		add("prefix-of-its-own", "")
		add("prefix-is-not-lib", doctor.MissingLibrary, moved(own+"libc.so.6", "/lib/libc.so.6"))
	}
	if flags, err := os.ReadFile("/proc/cpuinfo"); err == nil && strings.Contains(string(flags), " sse4_2") {
		b.from(base.with(moved(lib, "/usr/lib/glibc-hwcaps/x86-64-v2/libc.so.6")))("hwcaps-folder", "")
	}
}
