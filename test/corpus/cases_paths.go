package corpus

import "optimizing-dockerfile/internal/doctor"

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
