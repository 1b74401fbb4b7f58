package corpus

import (
	"encoding/binary"
	"os"
	"path"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

// turns adds what a program that has started starts in turn: a shell, env, a wrapper, a loader.
func (b *builder) turns() (skipped []string) {
	base := Spec{Entrypoint: []string{"/bin/sh", "-c", "/app --serve"}}
	if err := busybox(&base); err != nil {
		return []string{"what busybox starts in turn: " + err.Error()}
	}
	for _, applet := range []string{"sh", "timeout", "time", "echo"} {
		base.put("/bin/"+applet, File{Link: "busybox"})
	}
	base.put("/app", File{Data: tiny{}.bytes()})
	add := b.from(base)
	line := func(text string) func(*Spec) { return entrypoint("/bin/sh", "-c", text) }
	noLoader := func(s *Spec) {
		s.put("/app", File{Data: tiny{pie: true, interp: "/lib/ld-musl-x86_64.so.1"}.bytes()})
	}
	add("turn-shell-form", "", nil)
	add("turn-shell-exec-and-variables", "", line("exec /app $HOME"))
	add("turn-shell-assignment", "", line("A=b ./app"))
	add("turn-shell-several-commands", "", line("cd / && ./app"))
	add("turn-shell-text", "", func(s *Spec) { s.put("/run", File{Data: []byte("/app\n")}); line("/run")(s) })
	add("turn-shell-program-missing", doctor.MissingEntrypoint, without("/app"))
	add("turn-shell-not-on-path", doctor.NotOnPath, line("app"))
	add("turn-shell-no-loader", doctor.MissingLoader, noLoader)
	add("turn-shell-variable", doctor.MissingEntrypoint, func(s *Spec) {
		s.Env = []string{"BIN=/srv/app"}
		line("exec ${BIN} x")(s)
	})
	for name, text := range map[string]string{"variable": `["/app", ${X}]`, "single": `['/app', 'x']`, "spaced": `[ '/app' ]`,
		"comma": `["/app",]`, "operators": `['/app', '-c', 'a && b']`} {
		add("turn-list-"+name, map[bool]doctor.Cause{true: doctor.NotOnPath, false: doctor.MissingEntrypoint}[name == "spaced"],
			func(s *Spec) { s.Env = []string{"X=y"}; line(text)(s) })
	}
	for name, c := range map[string]struct {
		line  string
		cause doctor.Cause
	}{
		"names": {"[app, --x]", doctor.NotOnPath}, "bare": {`"/app", "x"`, doctor.MissingEntrypoint}, "braces": {`{"/app", "x"}`,
			doctor.MissingEntrypoint},
		"no-comma": {`["/app" "x"]`, doctor.MissingEntrypoint},
	} {
		add("turn-list-"+name, c.cause, func(s *Spec) { s.put("/bin/app", s.Files["/app"]); line(c.line)(s) })
	}
	add("turn-words-wrapped", "", func(s *Spec) { s.Env = []string{"APP=/app"}; line(`exec timeout 9 "$APP" ${NONE} 'a b'`)(s) })
	add("turn-words-unknown", "", line("timeout 9 ${APP:-/app}"))
	add("turn-words-arguments", "", func(s *Spec) {
		line(`exec "$@"`)(s)
		s.Entrypoint, s.Cmd = append(s.Entrypoint, "--"), []string{"/app"}
	})
	add("turn-words-arguments-missing", doctor.MissingEntrypoint, func(s *Spec) {
		without("/app")(s)
		line(`exec "$@"`)(s)
		s.Entrypoint, s.Cmd = append(s.Entrypoint, "--"), []string{"/app"}
	})
	add("turn-words-nested", doctor.MissingEntrypoint, func(s *Spec) { without("/app")(s); line(`sh -c 'exec /app'`)(s) })
	add("turn-words-home", doctor.MissingEntrypoint, func(s *Spec) {
		s.put("/root/app", s.Files["/app"])
		without("/app")(s)
		line("~/app")(s)
	})
	add("turn-shell-minus", "", func(s *Spec) {
		s.put("/run.sh", File{Mode: 0o644, Data: []byte("/app\n")})
		entrypoint("sh", "-", "/run.sh")(s)
	})
	add("turn-list-no-shell", doctor.MissingShell, func(s *Spec) { without("/bin")(s); line("[“/app”]")(s) })

	reads := base.clone()
	reads.put("/run.sh", File{Mode: 0o644, Data: []byte("exec /app\n")})
	reads.Entrypoint = []string{"/bin/sh", "-e", "run.sh"}
	add = b.from(reads)
	add("turn-script", "", nil)
	add("turn-script-missing", doctor.MissingEntrypoint, without("/run.sh"))
	add("turn-script-folder", doctor.IsDirectory, func(s *Spec) {
		s.put("/run", File{Dir: true})
		s.put("/run/run.sh", s.Files["/run.sh"])
		s.Entrypoint = []string{"/bin/sh", "/run"}
	})
	add("turn-script-is-program", doctor.ExecFormat, entrypoint("/bin/sh", "/app"))
	add("turn-script-not-readable", doctor.UserCannotExecute, func(s *Spec) {
		s.put("/run.sh", File{Mode: 0o700, Data: []byte("exec /app\n")})
		s.User = "12345"
	})
	hashbang := base.clone()
	hashbang.put("/run.sh", script("#!/bin/sh -e", "exec /app"))
	hashbang.Entrypoint = []string{"/run.sh"}
	add = b.from(hashbang)
	add("turn-hashbang", "", nil)
	add("turn-hashbang-not-readable", doctor.UserCannotExecute, func(s *Spec) {
		s.put("/run.sh", File{Mode: 0o711, Data: s.Files["/run.sh"].Data})
		s.User = "12345:12345"
	})
	add("turn-hashbang-option-with-cr", doctor.CRLFInterpreter, func(s *Spec) { s.put("/run.sh", script("#!/bin/sh -e\r", "exec /app\r")) })
	add("turn-hashbang-two-options", doctor.MissingInterpreter, func(s *Spec) { s.put("/run.sh", script("#!/bin/sh -e -x", "exec /app")) })
	add("turn-hashbang-of-busybox", doctor.MissingInterpreter, func(s *Spec) { s.put("/run.sh", script("#!/bin/busybox", "exec /app")) })
	add("turn-hashbang-lacking-applet", doctor.MissingInterpreter, func(s *Spec) {
		s.put("/bin/bash", File{Link: "busybox"})
		s.put("/run.sh", script("#!/bin/bash", "exec /app"))
	})
	add("turn-hashbang-env-S", doctor.MissingInterpreter, func(s *Spec) { s.put("/run.sh", script("#!/usr/bin/env -S /app --serve")) })

	box := base.clone()
	box.Entrypoint = []string{"/bin/tool", "-c", "/app"}
	box.put("/bin/tool", box.Files["/app"])
	add = b.from(box)
	add("turn-applet-of-a-hard-link", doctor.MissingEntrypoint, func(s *Spec) { s.put("/bin/tool", File{Hard: "/bin/busybox"}) })
	add("turn-applet-of-a-copy", doctor.MissingEntrypoint, func(s *Spec) { s.put("/bin/tool", s.Files["/bin/busybox"]) })
	meant := base.clone()
	meant.Entrypoint = []string{"/app"}
	add = b.from(meant)
	add("meant-variable", doctor.NotOnPath, func(s *Spec) { s.Env, s.Entrypoint = []string{"BIN=/app"}, []string{"$BIN"} })
	add("meant-exec", doctor.NotOnPath, entrypoint("exec", "/app"))
	add("meant-assignment", doctor.NotOnPath, entrypoint("PORT=80", "/app"))
	add("meant-shell-line", doctor.MissingEntrypoint, entrypoint("echo && /app"))
	add("meant-builtin", doctor.NotOnPath, entrypoint("cd", "/bin", "&&", "/app"))
	add("meant-argument", doctor.NotOnPath, entrypoint("--serve"))
	add("meant-quotes", doctor.MissingEntrypoint, entrypoint("'/app'"))
	add("meant-case", doctor.MissingEntrypoint, entrypoint("/APP"))
	add("meant-no-shell", doctor.NotOnPath, func(s *Spec) { without("/bin")(s); entrypoint("sh", "-c", "exec /app --x")(s) })

	wrapped := base.clone()
	wrapped.Entrypoint, wrapped.Cmd = []string{"timeout", "-s", "KILL", "9"}, []string{"time", "-p", "env", "A=b", "/app"}
	add = b.from(wrapped)
	add("turn-wrapped", "", nil)
	add("turn-wrapped-busybox", "", entrypoint("busybox", "timeout", "9"))
	add("turn-wrapped-missing", doctor.MissingEntrypoint, without("/app"))
	add("turn-wrapped-no-loader", doctor.MissingLoader, noLoader)
	add("turn-wrapped-closed", doctor.UserCannotExecute, func(s *Spec) { // no engine's rights reach so far
		s.put("/app", File{Mode: 0o700, Data: tiny{}.bytes()})
		s.User = "12345"
	})
	add("turn-wrapped-not-on-path", doctor.NotOnPath, func(s *Spec) { s.Cmd = []string{"server"} })
	return nil
}

// layers adds images of several layers, of which a later one hides or replaces what is needed.
func (b *builder) layers() {
	base := Spec{Entrypoint: []string{"app"}}
	base.put("/usr/bin/app", File{Data: tiny{}.bytes()})
	base.put("/usr/bin/run", File{Data: tiny{}.bytes()})
	base.put("/bin", File{Link: "usr/bin"})
	base.put("/start.sh", script("#!/bin/run"))
	add := b.from(base)
	later := func(files ...string) func(*Spec) {
		return func(s *Spec) {
			s.Later = map[string]File{}
			for _, f := range files {
				s.Later[f] = File{Mode: 0o644}
			}
		}
	}
	add("layer-above", "", later("/usr/bin/other"))
	add("layer-hides-folder", doctor.NotOnPath, later("/usr/bin/.wh..wh..opq"))
	add("layer-deletes-program", doctor.NotOnPath, later("/usr/bin/.wh.app"))
	add("layer-replaces-link", doctor.MissingInterpreter, func(s *Spec) {
		later("/bin/other")(s)
		s.Entrypoint = []string{"/start.sh"}
	})
	elsewhere := Spec{Entrypoint: []string{"./app"}, WorkingDir: "/srv"}
	elsewhere.put("/srv/app", File{Data: tiny{}.bytes()})
	add = b.from(elsewhere)
	add("elsewhere-workdir", "", nil)
	add("elsewhere-other-workdir", doctor.MissingEntrypoint, func(s *Spec) { s.WorkingDir = "/" })
	add("elsewhere-not-on-path", doctor.NotOnPath, entrypoint("app", "--serve"))
}

// secure adds programs with more rights than their user, and libraries that only some look-ups find.
func (b *builder) secure(c *compiler, base Spec, lib string) error {
	moved := base.clone()
	moved.put("/opt/lib/libc.so.6", moved.Files[lib])
	delete(moved.Files, lib)
	moved.Env = []string{"LD_LIBRARY_PATH=/opt/lib"}
	add := b.from(moved)
	caps := func(number int, effective byte, user string) func(*Spec) {
		return func(s *Spec) {
			value := make([]byte, 20)
			value[3], value[0] = 2, effective
			binary.LittleEndian.PutUint32(value[4:], 1<<number)
			s.put("/app", File{Data: s.Files["/app"].Data, Caps: value})
			s.User = user
		}
	}
	add("preload-file", "", func(s *Spec) { // its one line brings the library that no folder has
		s.Env = nil
		s.put("/etc/ld.so.preload", File{Mode: 0o644, Data: []byte("/opt/lib/libc.so.6\n")})
	})
	const netRaw, sysResource = 13, 24
	add("caps-of-root", "", caps(netRaw, 1, ""))
	add("caps-not-there", "", caps(sysResource, 0, "12345"))
	add("caps-ignore-LD_LIBRARY_PATH", doctor.MissingLibrary, caps(netRaw, 1, "12345:12345"))
	add("caps-permitted-only", doctor.MissingLibrary, caps(netRaw, 0, "12345:12345"))
	add("caps-not-granted", doctor.UserCannotExecute, caps(sysResource, 1, ""))

	interp := ""
	for name := range base.Files {
		if strings.HasPrefix(path.Base(name), "ld-") {
			interp = name
		}
	}
	byHand := moved.clone()
	byHand.Env, byHand.Entrypoint = nil, []string{interp, "--library-path", "/opt/lib", "/app"}
	byHand.put("/app", File{Mode: 0o644, Data: byHand.Files["/app"].Data})
	add = b.from(byHand)
	add("loader-by-hand", "", nil)
	add("loader-by-hand-no-library", doctor.MissingLibrary, func(s *Spec) { s.Entrypoint = []string{interp, "/app"} })
	add("loader-by-hand-no-program", doctor.MissingEntrypoint, without("/app"))

	prefix := base.clone() // a loader with a default folder of its own, of the same length
	own := "/usr/glibc-compat/lib/"
	data := string(base.Files[interp].Data)
	if old := path.Dir(lib) + "/"; here() == amd64 && len(strings.TrimPrefix(old, "/usr")) == len(own) {
		old = strings.TrimPrefix(old, "/usr")
		data = strings.ReplaceAll(strings.ReplaceAll(data, "\x00"+old, "\x00"+own), "\x00/lib/\x00", "\x00/nix/\x00")
		prefix.put(interp, File{Data: []byte(data)})
		prefix.put(own+"libc.so.6", base.Files[lib])
		delete(prefix.Files, lib)
		add = b.from(prefix)
		add("prefix-of-its-own", "", nil)
		add("prefix-is-not-lib", doctor.MissingLibrary, func(s *Spec) {
			s.put("/lib/libc.so.6", s.Files[own+"libc.so.6"])
			delete(s.Files, own+"libc.so.6")
		})
	}
	if flags, err := os.ReadFile("/proc/cpuinfo"); err == nil && strings.Contains(string(flags), " sse4_2") {
		levels := base.clone()
		levels.put("/usr/lib/glibc-hwcaps/x86-64-v2/libc.so.6", base.Files[lib])
		delete(levels.Files, lib)
		b.from(levels)("hwcaps-folder", "", nil)
	}
	return c.err
}
