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

// dynamic adds the programs that need a compiler.
func (b *builder) dynamic() (skipped []string) {
	if err := b.glibc(); err != nil {
		skipped = append(skipped, "glibc: "+err.Error())
	}
	if err := b.musl(); err != nil {
		skipped = append(skipped, "musl: "+err.Error())
	}
	return skipped
}

func (b *builder) glibc() error {
	c, err := newCompiler("gcc")
	if err != nil {
		return err
	}
	defer c.close()
	lib, err := c.hostLibrary("libc.so.6")
	if err != nil {
		return err
	}
	base := Spec{Entrypoint: []string{"/app"}}
	interp := c.program(&base, "/app", mainC)
	if err := c.host(&base, interp, lib); err != nil {
		return err
	}
	dir := path.Dir(lib)

	add := b.from(base)
	move := func(from, to string) func(*Spec) {
		return func(s *Spec) { s.put(to, s.Files[from]); delete(s.Files, from) }
	}
	add("glibc", "", nil)
	add("glibc-library-in-usr-lib", "", move(lib, "/usr/lib/libc.so.6"))
	add("glibc-LD_LIBRARY_PATH", "", func(s *Spec) {
		move(lib, "/opt/lib/libc.so.6")(s)
		s.Env = []string{"LD_LIBRARY_PATH=/nowhere:/opt/lib"}
	})
	add("glibc-cache", "", func(s *Spec) {
		move(lib, "/opt/lib/libc.so.6")(s)
		s.put("/etc/ld.so.cache", File{Mode: 0o644, Data: cacheFile(map[string]string{"libc.so.6": "/opt/lib/libc.so.6"})})
	})
	add("glibc-cache-stale-but-default-folder", "", func(s *Spec) {
		s.put("/etc/ld.so.cache", File{Mode: 0o644, Data: cacheFile(map[string]string{"libc.so.6": "/opt/lib/libc.so.6"})})
	})
	add("glibc-no-loader", doctor.MissingLoader, func(s *Spec) { delete(s.Files, interp) })
	add("glibc-no-library", doctor.MissingLibrary, func(s *Spec) { delete(s.Files, lib) })
	add("glibc-library-elsewhere", doctor.MissingLibrary, move(lib, "/opt/lib/libc.so.6"))
	add("glibc-only-ld.so.conf", doctor.MissingLibrary, func(s *Spec) {
		move(lib, "/opt/lib/libc.so.6")(s)
		s.put("/etc/ld.so.conf", File{Mode: 0o644, Data: []byte("/opt/lib\n")})
	})
	add("glibc-library-dangling", doctor.MissingLibrary, func(s *Spec) { s.put(lib, File{Link: "libc-2.31.so"}) })
	add("glibc-library-not-readable", doctor.MissingLibrary, func(s *Spec) {
		s.put(lib, File{Mode: 0o711, Data: s.Files[lib].Data})
		s.User = "12345"
	})
	add("glibc-library-is-text", doctor.MissingLibrary, func(s *Spec) { s.put(lib, File{Data: []byte("INPUT(libc.so.6)\n")}) })
	add("glibc-library-foreign", doctor.MissingLibrary, func(s *Spec) { s.put(lib, File{Data: foreignCopy(s.Files[lib].Data)}) })
	add("glibc-setuid-ignores-LD_LIBRARY_PATH", doctor.MissingLibrary, func(s *Spec) {
		move(lib, "/opt/lib/libc.so.6")(s)
		s.Env, s.User = []string{"LD_LIBRARY_PATH=/opt/lib"}, "12345"
		s.put("/app", File{Mode: 0o4755, Data: s.Files["/app"].Data})
	})
	add("glibc-setuid-of-the-user-itself", "", func(s *Spec) {
		move(lib, "/opt/lib/libc.so.6")(s)
		s.Env = []string{"LD_LIBRARY_PATH=/opt/lib"}
		s.put("/app", File{Mode: 0o4755, Data: s.Files["/app"].Data})
	})
	add("glibc-cut-off", doctor.ExecFormat, func(s *Spec) { s.put("/app", File{Data: s.Files["/app"].Data[:5000]}) })

	return firstError(
		b.glibcChains(c, base, dir),
		b.glibcSymbols(c, base, dir),
		b.secure(c, base, lib),
		c.err,
	)
}

// glibcChains are libraries that need libraries.
func (b *builder) glibcChains(c *compiler, base Spec, dir string) error {
	libb := c.library("libb.so", libB)
	liba := c.library("liba.so", libA, "libb.so")
	chain := base.clone()
	c.program(&chain, "/app", callC, "liba.so")
	chain.put(dir+"/liba.so", File{Data: liba})
	chain.put(dir+"/libb.so", File{Data: libb})
	add := b.from(chain)
	add("chain", "", nil)
	add("chain-cyclic", "", func(s *Spec) {
		s.put(dir+"/libb.so", File{Data: c.library("libb.so", libB, "-Wl,--no-as-needed", "liba.so")})
	})
	add("chain-second-missing", doctor.MissingLibrary, func(s *Spec) { delete(s.Files, dir+"/libb.so") })
	opt := func(s *Spec) {
		for _, name := range []string{"/liba.so", "/libb.so"} {
			s.put("/opt/lib"+name, s.Files[dir+name])
			delete(s.Files, dir+name)
		}
	}
	linked := func(flags ...string) func(*Spec) {
		return func(s *Spec) {
			opt(s)
			c.program(s, "/opt/bin/app", callC, append([]string{"liba.so"}, flags...)...)
			s.Entrypoint = []string{"/opt/bin/app"}
		}
	}
	add("chain-rpath", "", linked("-Wl,--disable-new-dtags,-rpath,/opt/lib"))
	add("chain-rpath-origin", "", linked("-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib"))
	add("chain-runpath-not-inherited", doctor.MissingLibrary, linked("-Wl,--enable-new-dtags,-rpath,/opt/lib"))
	add("chain-runpath-direct", "", linked("-Wl,--enable-new-dtags,-rpath,${ORIGIN}/../lib,--no-as-needed", "libb.so"))
	add("chain-foreign-passed-over", "", func(s *Spec) {
		s.put("/opt/lib/libb.so", File{Data: foreignCopy(libb)})
		s.Env = []string{"LD_LIBRARY_PATH=/opt/lib"}
	})
	add("chain-empty-element-is-workdir", "", func(s *Spec) {
		opt(s)
		s.Env, s.WorkingDir = []string{"LD_LIBRARY_PATH=/nowhere:"}, "/opt/lib"
	})
	return c.err
}

func (b *builder) glibcSymbols(c *compiler, base Spec, dir string) error {
	two := c.library("libv.so", "int a(void){return 0;}\n", "-Wl,--version-script="+c.write("two.map", "V1{};\nV2{global:a;local:*;}V1;\n"))
	sym := base.clone()
	c.program(&sym, "/app", firstC, "libv.so")
	sym.put(dir+"/libv.so", File{Data: two})
	add := b.from(sym)
	add("versions", "", nil)
	one := c.library("libv.so", "int a(void){return 0;}\n", "-Wl,--version-script="+c.write("one.map", "V1{global:a;local:*;};\n"))
	none := c.library("libv.so", "int a(void){return 0;}\n")
	add("version-missing", doctor.MissingSymbolVersion, func(s *Spec) { s.put(dir+"/libv.so", File{Data: one}) })
	add("version-table-missing", doctor.MissingSymbolVersion, func(s *Spec) { s.put(dir+"/libv.so", File{Data: none}) })

	whole := c.library("liba.so", libAonly)
	empty := func(s *Spec) {
		s.put(dir+"/liba.so", File{Data: c.library("libe.so", libEmpty, "-Wl,-soname,liba.so")})
	}
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
		c.library("liba.so", libAonly)
		healthy := base.clone()
		c.program(&healthy, "/app", kind.source, append([]string{"liba.so"}, kind.flags...)...)
		healthy.put(dir+"/liba.so", File{Data: whole})
		add := b.from(healthy)
		add(kind.name+"-there", "", nil)
		add(kind.name+"-gone", kind.cause, empty)
	}
	return c.err
}

func (b *builder) musl() error {
	c, err := newCompiler("musl-gcc")
	if err != nil {
		return err
	}
	defer c.close()
	base := Spec{Entrypoint: []string{"/app"}}
	interp := c.program(&base, "/app", mainC)
	if err := c.host(&base, interp); err != nil {
		return err
	}
	add := b.from(base)
	add("musl", "", nil)
	add("musl-loader-behind-link", "", func(s *Spec) {
		s.put("/usr/lib/libc.so", s.Files[interp])
		s.put(interp, File{Link: "../usr/lib/libc.so"})
	})
	add("musl-no-loader", doctor.MissingLoader, func(s *Spec) { delete(s.Files, interp) })
	add("musl-loader-closed", closedByMode, func(s *Spec) {
		s.put(interp, File{Mode: 0o700, Data: s.Files[interp].Data})
		s.User = "12345"
	})

	libb, liba := c.library("libb.so", libB), c.library("liba.so", libA, "libb.so")
	chain := base.clone()
	c.program(&chain, "/app", callC, "liba.so", "-Wl,--enable-new-dtags,-rpath,/opt/lib")
	chain.put("/opt/lib/liba.so", File{Data: liba})
	chain.put("/opt/lib/libb.so", File{Data: libb})
	add = b.from(chain)
	add("musl-runpath-inherited", "", nil)
	add("musl-library-missing", doctor.MissingLibrary, func(s *Spec) { delete(s.Files, "/opt/lib/libb.so") })
	add("musl-path-file", "", func(s *Spec) {
		s.put("/data/libb.so", s.Files["/opt/lib/libb.so"])
		delete(s.Files, "/opt/lib/libb.so")
		s.put(pathFile(interp), File{Mode: 0o644, Data: []byte("/lib\n/data\n")})
	})
	add("musl-path-file-replaces-defaults", doctor.MissingLibrary, func(s *Spec) {
		s.put("/usr/lib/libb.so", s.Files["/opt/lib/libb.so"])
		delete(s.Files, "/opt/lib/libb.so")
		s.put(pathFile(interp), File{Mode: 0o644, Data: []byte("/data")})
	})
	add("musl-symbol-missing-though-lazy", doctor.MissingSymbol, func(s *Spec) {
		s.put("/opt/lib/libb.so", File{Data: c.library("libe.so", libEmpty, "-Wl,-soname,libb.so")})
	})

	if g, err := newCompiler("gcc"); err == nil {
		defer g.close()
		shim := base.clone()
		loader := g.program(&shim, "/app", mainC)
		shim.put(loader, base.Files[interp])
		add = b.from(shim)
		add("glibc-program-on-musl-lucky", "", nil)
		add("glibc-program-on-musl", doctor.MissingSymbol, func(s *Spec) { g.program(s, "/app", printfC, "-O2", "-D_FORTIFY_SOURCE=2") })
		if g.err != nil {
			return g.err
		}
	}
	return c.err
}

func pathFile(interp string) string {
	return "/etc/" + strings.TrimSuffix(path.Base(interp), ".so.1") + ".path"
}

// environment adds scripts that `env` starts.
func (b *builder) environment() (skipped []string) {
	for name, find := range map[string]func(*Spec) error{"busybox": busybox, "coreutils": coreutils} {
		base := Spec{Entrypoint: []string{"/start"}}
		if err := find(&base); err != nil {
			skipped = append(skipped, "env of "+name+": "+err.Error())
			continue
		}
		base.put("/usr/local/bin/run", File{Data: tiny{}.bytes()})
		base.put("/start", script("#!/usr/bin/env run"))
		with := func(line string) func(*Spec) { return func(s *Spec) { s.put("/start", script(line)) } }
		add := b.from(base)
		add(name+"-env", "", nil)
		add(name+"-env-missing", doctor.MissingInterpreter, with("#!/usr/bin/env python3"))
		add(name+"-env-two-words", doctor.MissingInterpreter, with("#!/usr/bin/env run -x"))
		add(name+"-env-crlf", doctor.CRLFInterpreter, with("#!/usr/bin/env run\r"))
		add(name+"-env-not-on-path", doctor.MissingInterpreter, func(s *Spec) { s.Env = []string{"PATH=/usr/bin"} })
		add(name+"-env-itself", "", func(s *Spec) { s.Entrypoint = []string{"/usr/bin/env", "run"} })
		if name == "coreutils" {
			add(name+"-env-S", "", with("#!/usr/bin/env -S run -x"))
			add(name+"-env-S-cr", "", with("#!/usr/bin/env -S run -x\r"))
			add(name+"-env-S-missing", doctor.MissingInterpreter, with("#!/usr/bin/env -S python3 -u"))
			add(name+"-env-S-assign", "", with("#!/usr/bin/env -S A=b run"))
		}
	}
	return skipped
}
