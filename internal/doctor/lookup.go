package doctor

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// lookup is the stage of PATH: runc finds the program with Go's exec.LookPath,
// as the user, in the working folder. What has a slash is a path; anything else
// is searched for in PATH.
func (x *examination) lookup(ctx context.Context) error {
	name := x.d.Argv[0]
	x.pastStart = x.options.Init
	if !strings.Contains(name, "/") {
		return x.lookupName(ctx, name)
	}
	x.d.Program = name
	if !strings.HasPrefix(name, "/") {
		x.d.Program = path.Join(x.files.cwd, name)
	}
	at, err := x.files.resolve(ctx, name, x.as)
	p := process{name: name, at: at, asked: x.first()}
	if err != nil {
		return x.notThere(ctx, p, err)
	}
	x.program = at
	return x.mayExecute(p)
}

// wayBroken names the cause where a program's path leads nowhere.
func (x *examination) wayBroken(way *lookupError, p process) *finding {
	name := p.name
	f := x.cannot(MissingEntrypoint, facts{Name: name, At: way.at, Target: wholePath(way), Link: way.link, Loop: way.kind == looping,
		Closed: way.kind == closed, Command: x.shellCommand},
		p.asked, Evidence{"looked for, link by link, inside the image", x.files.absolute(name), way.Error()})
	if words := strings.Fields(name); len(words) > 1 && way.kind == absent { // "/app --serve" in one string
		f.facts.Words = x.instead(name, words...)
	}
	switch way.kind {
	case running:
		return unknown("%s is the running system's, not the image's", way.at)
	case closed:
		f.cause, f.facts.Words = UserCannotExecute, x.instead(name, "/app")
		f.note("this folder lets the user not through", way.at, describe(way.dir))
		return f
	case lacking:
		f.facts.Lacks, f.facts.Target = way.link, name
	case looping, dangling:
		f.cause, f.facts.Words = DanglingSymlink, x.instead(name, "/app")
	case through:
		f.cause, f.facts.Words = NotADirectory, x.instead(name, way.at)
	}
	// it is the shell of a shell form, not what that starts
	if x.shellForm && (x.turns == 0 || x.turns == 1 && way.kind == lacking) {
		f.cause = MissingShell
	}
	return f
}

// noPath is what is said where a name is searched for in what is not known.
const noPath = "%q is searched for in PATH, whose value is not known here"

// lookupName searches PATH: the first hit that is no folder and has an x bit
// for anyone. A runc built with Go 1.20 or later passes over a hit that this
// user may not execute; one built with an older Go takes it and fails.
func (x *examination) lookupName(ctx context.Context, name string) error {
	if x.options.Open["PATH"] {
		return unknown(noPath, name)
	}
	search, source := x.env["PATH"], "config.Env PATH"
	if !sets(x.config.Env, "PATH") {
		source = "the runtime's PATH"
	} else if sets(x.options.Env, "PATH") {
		source = x.called("--env") + " PATH"
	}
	asked := Evidence{"the program to start, without a folder", x.source(), fmt.Sprintf("%q", x.d.Argv)}
	f := x.notOnPath(process{name: name, asked: asked}, search, source)
	var passedOver error // a hit that only some runtimes pass over
	for _, dir := range searched(search, name) {
		if search == "" {
			break // to Go, that is no folder
		}
		hit := path.Join(dir, name) // Go joins: "" becomes the working folder
		at, err := x.files.resolve(ctx, hit, x.as)
		way := broke(err)
		switch {
		case way != nil && way.kind == closed && passedOver == nil:
			f.note("this folder lets the user not through", way.at, describe(way.dir))
		case way != nil || err == nil && at.Mode.IsDir():
		case err != nil:
			return err
		case at.Mode.Perm()&0o111 == 0:
			f.note("passed over: it has no x bit", at.Path, describe(at.Entry))
		case !strings.HasPrefix(hit, "/"):
			f.facts.Words = x.instead(name, at.Path)
			f.note("found through a relative folder of PATH, which the runtime refuses", at.Path, describe(at.Entry))
			return f
		case x.as.mayRun(at.Entry) && passedOver != nil:
			return unknown("%s comes first on PATH and this user may not execute it, %s comes later and may be executed: "+
				"runc built with Go before 1.20 takes the first and fails, a newer one the second", x.d.Program, hit)
		case x.as.mayRun(at.Entry):
			x.program, x.d.Program = at, hit
			return nil
		case passedOver == nil:
			asked.Claim = "the program to start, found on PATH"
			passedOver = x.mayExecute(process{name: hit, at: at, asked: asked})
			x.program, x.d.Program = at, hit
		}
	}
	if passedOver != nil {
		x.pastStart = true // the runtime comes upon it at its execve only
		return passedOver
	}
	return f
}

// searched are the folders of PATH; none for a name that no file can have (NAME_MAX).
func searched(search, name string) []string {
	if len(name) > 255 {
		return nil
	}
	return strings.Split(search, ":")
}

// notOnPath is the finding where no folder of PATH has a name.
func (x *examination) notOnPath(p process, search, source string) *finding {
	f := x.wayBroken(&lookupError{kind: absent}, p)
	if f.cause == MissingEntrypoint {
		f.cause = NotOnPath
	}
	f.facts.Path, f.facts.Target = search, target(search, p.name)
	f.evidence = []Evidence{p.asked, {"the folders that are searched", source, search}}
	return f
}

// mayExecute is the check of the file itself.
func (x *examination) mayExecute(p process) error {
	at := p.at
	f := x.cannot(NotExecutable, facts{Name: p.name, At: at.Path}, p.asked,
		Evidence{"what lies there", at.Path, describe(at.Entry)})
	for _, link := range at.links {
		f.note("reached through the link", link[:strings.Index(link, " -> ")], link)
	}
	switch {
	case at.Mode.IsDir():
		f.cause, f.facts.Words = IsDirectory, x.instead(p.name, x.inside(at.Path))
	case at.Mode.Perm()&0o111 == 0 || !at.Mode.IsRegular():
	case !x.as.mayRun(at.Entry):
		f.cause, f.evidence = UserCannotExecute, append(f.evidence, x.runsAs())
	default:
		return nil
	}
	return f
}

// target is where a program has to be for PATH to lead to it.
func target(search, name string) string {
	for _, dir := range strings.Split(search, ":") {
		if strings.HasPrefix(dir, "/") && !strings.HasPrefix(dir, "/dev") && !strings.HasPrefix(dir, "/proc") {
			return path.Join(dir, name)
		}
	}
	return "/usr/local/bin/" + name
}

// inside finds a program in a folder that was taken for one, where all files are known.
func (x *examination) inside(dir string) string {
	other := ""
	for e := range x.walk() {
		switch {
		case !strings.HasPrefix(e.Path, dir+"/") || !e.Mode.IsRegular():
		case e.Mode.Perm()&0o111 != 0:
			return e.Path
		case other == "":
			other = e.Path // a script, for one, that a shell is to read
		}
	}
	return cmp.Or(other, path.Join(dir, path.Base(dir)))
}

// instruction names the Dockerfile's line that the program comes from.
func (x *examination) instruction() string {
	if x.source() == "config.Cmd" {
		return "CMD"
	}
	return "ENTRYPOINT"
}

func (x *examination) describeUser() string {
	return fmt.Sprintf("uid %d, gid %d", x.as.uid, x.as.gid)
}

func (x *examination) runsAs() Evidence {
	return Evidence{"the process runs as", "config.User", x.describeUser()}
}

// describe says what an entry is, as `ls -ln` would.
func describe(e image.Entry) string {
	text := fmt.Sprintf("%s %d:%d", e.Mode, e.UID, e.GID)
	switch {
	case e.IsLink():
		return text + " -> " + e.Link
	case e.Mode.IsRegular():
		return fmt.Sprintf("%s, %d bytes", text, e.Size)
	}
	return text
}

// wholePath is the path that broke off, as it would be were it there.
func wholePath(way *lookupError) string {
	names := []string{way.at}
	for _, s := range way.rest {
		names = append(names, s.name)
	}
	return path.Join(names...)
}
