package corpus

import "optimizing-dockerfile/internal/doctor"

func (b *builder) paths() {
	nested := Spec{Entrypoint: []string{"/opt/bin/app"}}
	nested.put("/opt/bin/app", File{Data: tiny{}.bytes()})
	add := b.from(nested)
	add("path", "", nil)
	add("path-through-folder-link", "", func(s *Spec) {
		s.put("/usr", File{Link: "opt"})
		s.Entrypoint = []string{"/usr/bin/app"}
	})
	add("path-chain-of-links", "", func(s *Spec) {
		s.put("/a", File{Link: "/b"})
		s.put("/b", File{Link: "opt/../c"})
		s.put("/c", File{Link: "./opt/bin/app"})
		s.Entrypoint = []string{"/a"}
	})
	add("path-link-above-root", "", func(s *Spec) {
		s.put("/app", File{Link: "../../../opt/bin/app"})
		s.Entrypoint = []string{"/app"}
	})
	add("path-dotdot-is-physical", "", func(s *Spec) {
		s.put("/x/y", File{Link: "/opt/bin"})
		s.Entrypoint = []string{"/x/y/../bin/app"}
	})
	add("path-dotdot-is-not-lexical", doctor.MissingEntrypoint, func(s *Spec) {
		s.put("/x/y", File{Link: "/opt/bin"})
		s.put("/x/app", File{Data: tiny{}.bytes()})
		s.Entrypoint = []string{"/x/y/../app"}
	})
	add("path-hard-link", "", func(s *Spec) {
		s.put("/app", File{Hard: "/opt/bin/app"})
		s.Entrypoint = []string{"/app"}
	})
	add("path-dangling", doctor.DanglingSymlink, func(s *Spec) { s.put("/opt/bin/app", File{Link: "/nowhere"}) })
	add("path-dangling-folder", doctor.DanglingSymlink, func(s *Spec) {
		s.put("/usr", File{Link: "/nowhere"})
		s.Entrypoint = []string{"/usr/bin/app"}
	})
	add("path-loop", doctor.DanglingSymlink, func(s *Spec) {
		s.put("/opt/bin/app", File{Link: "other"})
		s.put("/opt/bin/other", File{Link: "app"})
	})
	add("path-through-file", doctor.NotADirectory, entrypoint("/opt/bin/app/app"))
	add("path-trailing-slash", doctor.NotADirectory, entrypoint("/opt/bin/app/"))
	add("path-folder", doctor.IsDirectory, entrypoint("/opt/bin"))
	add("path-link-to-folder", doctor.IsDirectory, func(s *Spec) {
		s.put("/app", File{Link: "opt"})
		s.Entrypoint = []string{"/app"}
	})
	add("path-missing", doctor.MissingEntrypoint, entrypoint("/app"))
	add("path-missing-folder", doctor.MissingEntrypoint, entrypoint("/usr/local/bin/app"))
	add("path-other-case", doctor.MissingEntrypoint, entrypoint("/opt/bin/App"))
	add("path-with-blank", doctor.MissingEntrypoint, entrypoint("/opt/bin/app --serve"))
	add("path-relative-in-new-workdir", doctor.MissingEntrypoint, func(s *Spec) {
		s.Entrypoint, s.WorkingDir = []string{"./app"}, "/srv"
	})
	add("path-of-git-bash", doctor.MissingEntrypoint, entrypoint("C:/Program Files/Git/opt/bin/app", "-x"))
	add("path-hidden-by-mount", doctor.MissingEntrypoint, func(s *Spec) {
		s.put("/dev/app", File{Data: tiny{}.bytes()})
		s.Entrypoint = []string{"/dev/app"}
	})

	named := Spec{Entrypoint: []string{"app"}}
	named.put("/usr/local/bin/app", File{Data: tiny{}.bytes()})
	add = b.from(named)
	add("name", "", nil)
	add("name-env-path", "", func(s *Spec) {
		s.put("/go/bin/app", s.Files["/usr/local/bin/app"])
		without("/usr")(s)
		s.Env = []string{"PATH=/nowhere:/go/bin"}
	})
	add("name-folder-passed-over", "", func(s *Spec) { s.put("/usr/local/sbin/app", File{Dir: true}) })
	add("name-no-x-passed-over", "", func(s *Spec) { s.put("/usr/local/sbin/app", File{Mode: 0o644}) })
	add("name-dangling-passed-over", "", func(s *Spec) { s.put("/usr/local/sbin/app", File{Link: "/nowhere"}) })
	add("name-first-hit-broken", doctor.ExecFormat, func(s *Spec) { s.put("/usr/local/sbin/app", File{}) })
	add("name-not-on-path", doctor.NotOnPath, func(s *Spec) { s.Env = []string{"PATH=/usr/bin:/bin"} })
	add("name-in-root", doctor.NotOnPath, func(s *Spec) { s.put("/app", File{Data: tiny{}.bytes()}); without("/usr")(s) })
	add("name-path-empty", doctor.NotOnPath, func(s *Spec) { s.Env = []string{"PATH="} })
	add("name-path-relative", doctor.NotOnPath, func(s *Spec) {
		s.Env, s.WorkingDir = []string{"PATH=.:/usr/local/bin"}, "/usr/local/bin"
	})
	add("name-without-x", doctor.NotOnPath, func(s *Spec) { s.put("/usr/local/bin/app", File{Mode: 0o644, Data: tiny{}.bytes()}) })
	add("name-no-sh", doctor.NotOnPath, entrypoint("sh", "-c", "/app"))
}

func (b *builder) permissions() {
	add := b.from(static())
	add("x-for-root-by-any-bit", "", func(s *Spec) { s.put("/app", File{Mode: 0o001, UID: 7, Data: tiny{}.bytes()}) })
	add("x-only-no-read", "", func(s *Spec) { s.put("/app", File{Mode: 0o111, Data: tiny{}.bytes()}); s.User = "12345" })
	add("x-owner", "", func(s *Spec) {
		s.put("/app", File{Mode: 0o700, UID: 12345, Data: tiny{}.bytes()})
		s.User = "12345"
	})
	add("x-group", "", func(s *Spec) {
		s.put("/app", File{Mode: 0o710, GID: 777, Data: tiny{}.bytes()})
		s.User = "12345:777"
	})
	add("no-x", doctor.NotExecutable, func(s *Spec) { s.put("/app", File{Mode: 0o644, Data: tiny{}.bytes()}) })
	add("no-x-as-user", doctor.NotExecutable, func(s *Spec) { s.put("/app", File{Mode: 0o644, Data: tiny{}.bytes()}); s.User = "12345" })
	add("x-others-only-as-owner", closedByMode, func(s *Spec) {
		s.put("/app", File{Mode: 0o655, UID: 12345, Data: tiny{}.bytes()})
		s.User = "12345"
	})
	add("x-root-only", closedByMode, func(s *Spec) {
		s.put("/app", File{Mode: 0o700, Data: tiny{}.bytes()})
		s.User = "12345:12345"
	})

	closed := static()
	closed.put("/home/echo/app", closed.Files["/app"])
	closed.Entrypoint = []string{"/home/echo/app"}
	closed.User = "12345"
	add = b.from(closed)
	add("folder-x-only", "", func(s *Spec) { s.put("/home/echo", File{Dir: true, Mode: 0o711}) })
	add("folder-closed-to-root", "", func(s *Spec) { s.put("/home", File{Dir: true, Mode: 0o600}); s.User = "" })
	add("folder-closed", closedByMode, func(s *Spec) { s.put("/home/echo", File{Dir: true, Mode: 0o700}) })
	add("folder-no-x", closedByMode, func(s *Spec) { s.put("/home", File{Dir: true, Mode: 0o644}) })
	add("workdir-closed-relative", closedByMode, func(s *Spec) {
		s.put("/home/echo", File{Dir: true, Mode: 0o700})
		s.WorkingDir, s.Entrypoint = "/home/echo", []string{"./app"}
	})

	grouped := accounts()
	grouped.User = "echo"
	grouped.put("/app", File{Mode: 0o710, GID: 777, Data: tiny{}.bytes()})
	add = b.from(grouped)
	add("x-by-further-group", "", nil)
	add("x-further-group-dropped", closedByMode, user("echo:echo"))
}
