package corpus

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

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
