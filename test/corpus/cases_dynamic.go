package corpus

import (
	"path"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

const (
	mainC    = "#include <stdio.h>\nint main(void){puts(\"started\");fflush(stdout);return 0;}\n"
	callC    = "#include <stdio.h>\nint a(void);\nint main(void){puts(\"started\");fflush(stdout);return a();}\n"
	dataC    = "#include <stdio.h>\nextern int data;\nint main(void){puts(\"started\");fflush(stdout);return data;}\n"
	weakC    = "#include <stdio.h>\n__attribute__((weak)) int a(void);\nint main(void){puts(\"started\");fflush(stdout);return a?a():0;}\n"
	firstC   = "#include <stdio.h>\nint a(void);\nint main(void){int r=a();puts(\"started\");fflush(stdout);return r;}\n"
	printfC  = "#include <stdio.h>\nint main(int c,char**v){printf(\"started\\n%s\",c>9?v[1]:\"\");return 0;}\n"
	libA     = "int b(void);\nint data=0;\nint a(void){return b();}\n"
	libAonly = "int data=0;\nint a(void){return 0;}\n"
	libB     = "int b(void){return 0;}\n"
	libEmpty = "int nothing(void){return 0;}\n"
)

// glibc are programs that need a compiler.
func (b *builder) glibc(c *compiler) {
	lib := c.find("libc.so.6")
	base, interp := c.started(lib)
	optLib := moved(lib, "/opt/lib/libc.so.6")
	listed := put("/etc/ld.so.cache", cache(map[string]string{"libc.so.6": "/opt/lib/libc.so.6"}))
	byEnv := env("LD_LIBRARY_PATH=/opt/lib")
	add := b.from(base)
	add("glibc", "")
	add("glibc-library-in-usr-lib", "", moved(lib, "/usr/lib/libc.so.6"))
	add("glibc-LD_LIBRARY_PATH", "", optLib, env("LD_LIBRARY_PATH=/nowhere:/opt/lib"))
	add("glibc-cache", "", optLib, listed)
	add("glibc-cache-stale-but-default-folder", "", listed)
	add("glibc-no-loader", doctor.MissingLoader, without(interp))
	add("glibc-no-library", doctor.MissingLibrary, without(lib))
	add("glibc-library-elsewhere", doctor.MissingLibrary, optLib)
	add("glibc-only-ld.so.conf", doctor.MissingLibrary, optLib, put("/etc/ld.so.conf", text("/opt/lib\n")))
	add("glibc-library-dangling", doctor.MissingLibrary, link(lib, "libc-2.31.so"))
	add("glibc-library-not-readable", doctor.MissingLibrary, mode(lib, 0o711), user("12345"))
	add("glibc-library-is-text", doctor.MissingLibrary, put(lib, File{Data: []byte("INPUT(libc.so.6)\n")}))
	add("glibc-library-foreign", doctor.MissingLibrary, put(lib, foreign(base.Files[lib])))
	add("glibc-setuid-ignores-LD_LIBRARY_PATH", doctor.MissingLibrary, optLib, byEnv, mode("/app", 0o4755), user("12345"))
	add("glibc-setuid-of-the-user-itself", "", optLib, byEnv, mode("/app", 0o4755))
	add("glibc-cut-off", doctor.ExecFormat, put("/app", File{Data: base.Files["/app"].Data[:5000]}))
	b.glibcChains(c, base, path.Dir(lib))
	b.glibcSymbols(c, base, path.Dir(lib))
	b.secure(base, lib, interp)
}

// glibcChains are libraries that need libraries.
func (b *builder) glibcChains(c *compiler, base Spec, dir string) {
	libb := c.library("libb.so", libB)
	liba := c.library("liba.so", libA, "libb.so")
	add := b.from(base.with(put("/app", c.program(callC, "liba.so")), put(dir+"/liba.so", liba), put(dir+"/libb.so", libb)))
	add("chain", "")
	add("chain-cyclic", "", put(dir+"/libb.so", c.library("libb.so", libB, "-Wl,--no-as-needed", "liba.so")))
	add("chain-second-missing", doctor.MissingLibrary, without(dir+"/libb.so"))
	opt := func(s *Spec) {
		moved(dir+"/liba.so", "/opt/lib/liba.so")(s)
		moved(dir+"/libb.so", "/opt/lib/libb.so")(s)
	}
	linked := func(name string, cause doctor.Cause, flags ...string) {
		program := c.program(callC, append([]string{"liba.so"}, flags...)...)
		add(name, cause, opt, put("/opt/bin/app", program), entrypoint("/opt/bin/app"))
	}
	linked("chain-rpath", "", "-Wl,--disable-new-dtags,-rpath,/opt/lib")
	linked("chain-rpath-origin", "", "-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib")
	linked("chain-runpath-not-inherited", doctor.MissingLibrary, "-Wl,--enable-new-dtags,-rpath,/opt/lib")
	linked("chain-runpath-direct", "", "-Wl,--enable-new-dtags,-rpath,${ORIGIN}/../lib,--no-as-needed", "libb.so")
	add("chain-foreign-passed-over", "", put("/opt/lib/libb.so", foreign(libb)), env("LD_LIBRARY_PATH=/opt/lib"))
	add("chain-empty-element-is-workdir", "", opt, env("LD_LIBRARY_PATH=/nowhere:"), workdir("/opt/lib"))
}

func (b *builder) glibcSymbols(c *compiler, base Spec, dir string) {
	versioned := func(versions string) change {
		var words []string
		if versions != "" {
			words = append(words, "-Wl,--version-script="+c.write("versions.map", versions))
		}
		return put(dir+"/libv.so", c.library("libv.so", "int a(void){return 0;}\n", words...))
	}
	two := versioned("V1{};\nV2{global:a;local:*;}V1;\n")
	add := b.from(base.with(two, put("/app", c.program(firstC, "libv.so"))))
	add("versions", "")
	add("version-missing", doctor.MissingSymbolVersion, versioned("V1{global:a;local:*;};\n"))
	add("version-table-missing", doctor.MissingSymbolVersion, versioned(""))

	whole := put(dir+"/liba.so", c.library("liba.so", libAonly))
	empty := put(dir+"/liba.so", c.library("libe.so", libEmpty, "-Wl,-soname,liba.so"))
	for _, kind := range []struct {
		name, source string
		cause        doctor.Cause
		flags        []string
	}{
		{"symbol-now", callC, doctor.MissingSymbol, []string{"-Wl,-z,now"}},
		{"symbol-lazy", callC, "", []string{"-Wl,-z,lazy", "-fno-plt", "-fplt"}},
		{"symbol-data", dataC, doctor.MissingSymbol, []string{"-Wl,-z,lazy"}},
		{"symbol-weak", weakC, "", []string{"-Wl,-z,now,--no-as-needed"}},
	} {
		add := b.from(base.with(whole, put("/app", c.program(kind.source, append([]string{"liba.so"}, kind.flags...)...))))
		add(kind.name+"-there", "")
		add(kind.name+"-gone", kind.cause, empty)
	}
}

func (b *builder) musl(c *compiler) {
	base, interp := c.started()
	add := b.from(base)
	add("musl", "")
	add("musl-loader-behind-link", "", copied(interp, "/usr/lib/libc.so"), link(interp, "../usr/lib/libc.so"))
	add("musl-no-loader", doctor.MissingLoader, without(interp))
	add("musl-loader-closed", closedByMode, mode(interp, 0o700), user("12345"))

	libb, liba := c.library("libb.so", libB), c.library("liba.so", libA, "libb.so")
	add = b.from(base.with(put("/app", c.program(callC, "liba.so", "-Wl,--enable-new-dtags,-rpath,/opt/lib")),
		put("/opt/lib/liba.so", liba), put("/opt/lib/libb.so", libb)))
	folders := func(list string) change { // instead of the loader's own
		return put("/etc/"+strings.TrimSuffix(path.Base(interp), ".so.1")+".path", text(list))
	}
	add("musl-runpath-inherited", "")
	add("musl-library-missing", doctor.MissingLibrary, without("/opt/lib/libb.so"))
	add("musl-path-file", "", moved("/opt/lib/libb.so", "/data/libb.so"), folders("/lib\n/data\n"))
	add("musl-path-file-replaces-defaults", doctor.MissingLibrary, moved("/opt/lib/libb.so", "/usr/lib/libb.so"), folders("/data"))
	add("musl-symbol-missing-though-lazy", doctor.MissingSymbol,
		put("/opt/lib/libb.so", c.library("libe.so", libEmpty, "-Wl,-soname,libb.so")))
}

// shim is a program for glibc, with musl in its loader's place.
func (b *builder) shim(c *compiler) {
	base, interp := c.started()
	check(with("gcc", func(g *compiler) {
		program := g.program(mainC)
		add := b.from(base.with(put("/app", program), put(loaderOf(program), base.Files[interp])))
		add("glibc-program-on-musl-lucky", "")
		add("glibc-program-on-musl", doctor.MissingSymbol, put("/app", g.program(printfC, "-O2", "-D_FORTIFY_SOURCE=2")))
	}))
}

func (b *builder) busyboxEnv(*compiler) { b.environment("busybox", busybox) }

func (b *builder) coreutilsEnv(c *compiler) {
	add := b.environment("coreutils", c.coreutils)
	add("-S", "", "#!/usr/bin/env -S run -x")
	add("-S-cr", "", "#!/usr/bin/env -S run -x\r")
	add("-S-missing", doctor.MissingInterpreter, "#!/usr/bin/env -S python3 -u")
	add("-S-assign", "", "#!/usr/bin/env -S A=b run")
}

// environment adds scripts that an `env` starts; the returned function adds one more, of another first line.
func (b *builder) environment(name string, program change) func(name string, cause doctor.Cause, line string) {
	add := b.from(Spec{}.with(program, entrypoint("/start"), put("/usr/local/bin/run", app), put("/start", script("#!/usr/bin/env run"))))
	line := func(of string, cause doctor.Cause, line string) {
		add(name+"-env"+of, cause, put("/start", script(line)))
	}
	line("", "", "#!/usr/bin/env run")
	line("-missing", doctor.MissingInterpreter, "#!/usr/bin/env python3")
	line("-two-words", doctor.MissingInterpreter, "#!/usr/bin/env run -x")
	line("-crlf", doctor.CRLFInterpreter, "#!/usr/bin/env run\r")
	add(name+"-env-not-on-path", doctor.MissingInterpreter, env("PATH=/usr/bin"))
	add(name+"-env-itself", "", entrypoint("/usr/bin/env", "run"))
	return line
}
