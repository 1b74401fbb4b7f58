package corpus

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/doctor"
)

func (b *builder) scripts() {
	base := Spec{Entrypoint: []string{"/start.sh"}}
	base.put("/bin/run", File{Data: tiny{}.bytes()})
	base.put("/start.sh", script("#!/bin/run", "anything"))
	with := func(lines ...string) func(*Spec) { return func(s *Spec) { s.put("/start.sh", script(lines...)) } }
	add := b.from(base)
	add("script", "", nil)
	add("script-argument-and-blanks", "", with("#! \t/bin/run  -e  ", ""))
	add("script-no-end-of-line", "", func(s *Spec) { s.put("/start.sh", File{Data: []byte("#!/bin/run")}) })
	add("script-argument-with-cr", "", with("#!/bin/run -e\r", ""))
	add("script-interpreter-named-with-cr", "", func(s *Spec) {
		with("#!/bin/run\r", "")(s)
		s.put("/bin/run\r", s.Files["/bin/run"])
	})
	add("script-relative-interpreter", "", with("#!bin/run"))
	add("script-not-readable", "", func(s *Spec) {
		s.put("/start.sh", File{Mode: 0o111, Data: []byte("#!/bin/run\n")})
		s.User = "12345"
	})
	add("script-crlf", doctor.CRLFInterpreter, with("#!/bin/run\r", "anything\r"))
	add("script-no-interpreter", doctor.MissingInterpreter, with("#!/bin/bash", ""))
	add("script-dangling-interpreter", doctor.MissingInterpreter, func(s *Spec) {
		with("#!/bin/bash", "")(s)
		s.put("/bin/bash", File{Link: "/nowhere"})
	})
	add("script-bom", doctor.ExecFormat, with("\xef\xbb\xbf#!/bin/run", ""))
	add("script-no-line", doctor.ExecFormat, with("echo hello", ""))
	add("script-blank-first", doctor.ExecFormat, with("", "#!/bin/run"))
	add("script-names-nothing", doctor.ExecFormat, with("#!  ", ""))
	add("script-line-too-long", doctor.ExecFormat, with("#!/bin/"+strings.Repeat("./", 150)+"run", ""))
	add("script-interpreter-without-x", doctor.NotExecutable, func(s *Spec) { s.put("/bin/run", File{Mode: 0o644, Data: tiny{}.bytes()}) })
	add("script-interpreter-closed", closedByMode, func(s *Spec) {
		s.put("/bin/run", File{Mode: 0o700, Data: tiny{}.bytes()})
		s.User = "12345"
	})
	add("script-interpreter-foreign", doctor.WrongArchitecture, func(s *Spec) { s.put("/bin/run", File{Data: tiny{machine: other()}.bytes()}) })
	add("script-interpreter-no-loader", doctor.MissingLoader, func(s *Spec) { s.put("/bin/run", File{Data: tiny{interp: "/lib/ld-musl-x86_64.so.1"}.bytes()}) })
	for _, n := range []int{5, 6} {
		cause := doctor.Cause("")
		if n > 5 {
			cause = doctor.ExecFormat
		}
		add(fmt.Sprintf("script-chain-of-%d", n), cause, func(s *Spec) {
			for i := 1; i < n; i++ {
				s.put(fmt.Sprintf("/bin/s%d", i), script(fmt.Sprintf("#!/bin/s%d", i+1)))
			}
			s.put(fmt.Sprintf("/bin/s%d", n), script("#!/bin/run"))
			s.put("/start.sh", script("#!/bin/s2"))
			s.put("/bin/s1", script("#!/bin/s2"))
		})
	}
}

func (b *builder) formats() {
	add := b.from(static())
	app := func(f File) func(*Spec) { return func(s *Spec) { s.put("/app", f) } }
	add("static-pie", "", app(File{Data: tiny{pie: true}.bytes()}))
	add("no-section-headers", "", app(File{Data: tiny{}.bytes()}))
	add("label-of-another-machine", "", func(s *Spec) {
		if s.Arch = "arm64"; here() == arm64 {
			s.Arch = "amd64"
		}
	})
	if here() == amd64 {
		add("i386-on-amd64", "", app(File{Data: tiny{machine: i386}.bytes()}))
		narrow := static()
		narrow.put("/app", File{Data: tiny{machine: i386, interp: "/lib/ld-linux.so.2"}.bytes()})
		narrow.put("/lib/ld-linux.so.2", File{Data: tiny{machine: i386}.bytes()})
		add := b.from(narrow)
		add("i386-loader", "", nil)
		add("i386-no-loader", doctor.MissingLoader, without("/lib"))
	}
	add("loader-by-path", "", func(s *Spec) {
		s.put("/app", File{Data: tiny{pie: true, interp: "/lib/loader"}.bytes()})
		s.put("/lib/loader", File{Data: tiny{pie: true}.bytes()})
	})
	add("loader-behind-links", "", func(s *Spec) {
		s.put("/app", File{Data: tiny{pie: true, interp: "/lib64/loader"}.bytes()})
		s.put("/lib64", File{Link: "usr/lib64"})
		s.put("/usr/lib64/loader", File{Link: "../lib/loader"})
		s.put("/usr/lib/loader", File{Data: tiny{pie: true}.bytes()})
	})
	add("empty", doctor.ExecFormat, app(File{}))
	add("text", doctor.ExecFormat, app(File{Data: []byte("hello\n")}))
	add("mach-o", doctor.ExecFormat, app(File{Data: []byte("\xcf\xfa\xed\xfe\x07\x00\x00\x01\x03\x00\x00\x00")}))
	add("pe", doctor.ExecFormat, app(File{Data: []byte("MZ\x90\x00\x03\x00\x00\x00")}))
	add("cut-in-header", doctor.ExecFormat, app(File{Data: tiny{}.bytes()[:40]}))
	add("cut-in-program-headers", doctor.ExecFormat, app(File{Data: tiny{}.bytes()[:80]}))
	add("object-file", doctor.ExecFormat, app(File{Data: tiny{typ: 1}.bytes()}))
	add("foreign", doctor.WrongArchitecture, app(File{Data: tiny{machine: other()}.bytes()}))
	add("foreign-loader", doctor.WrongArchitecture, func(s *Spec) {
		s.put("/app", File{Data: tiny{pie: true, interp: "/lib/loader"}.bytes()})
		s.put("/lib/loader", File{Data: tiny{pie: true, machine: other()}.bytes()})
	})
	add("no-loader", doctor.MissingLoader, app(File{Data: tiny{pie: true, interp: "/lib64/ld-linux-x86-64.so.2"}.bytes()}))
	add("no-loader-behind-link", doctor.MissingLoader, func(s *Spec) {
		s.put("/app", File{Data: tiny{pie: true, interp: "/lib/loader"}.bytes()})
		s.put("/lib/loader", File{Link: "/usr/lib/loader"})
	})
	add("loader-without-x", doctor.NotExecutable, func(s *Spec) {
		s.put("/app", File{Data: tiny{pie: true, interp: "/lib/loader"}.bytes()})
		s.put("/lib/loader", File{Mode: 0o644, Data: tiny{pie: true}.bytes()})
	})
	add("loader-empty", doctor.ExecFormat, func(s *Spec) {
		s.put("/app", File{Data: tiny{pie: true, interp: "/lib/loader"}.bytes()})
		s.put("/lib/loader", File{})
	})
}
