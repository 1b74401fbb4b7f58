package doctor

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// defaultPath is PATH where the image's Env has none (moby's oci.DefaultPathEnv).
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// examination is one image on its way through the stages of a start.
type examination struct {
	files   files
	config  image.Config
	machine Machine
	options Options
	as      account
	env     map[string]string
	d       *Diagnosis

	entrypoint   int // words of the command that are ENTRYPOINT's
	shellForm    bool
	shellCommand string // what the shell is given
	program      place  // what is executed, links followed
	info         *buildinfo.BuildInfo
	askedGo      bool  // whether info was looked for
	binary       place // the ELF file behind it: the program, or a script's interpreter

	yields     bool       // a program on the way gives root's rights away
	turns      int        // programs that were executed
	way        []Evidence // by which they started each other
	unexamined string     // where that ends, what was not looked at
	pastStart  bool       // a program was started, be it the engine's init: what is found from then on is of PhaseExec
	mends      int        // faults for which a fix is looked for: this one, and one behind it
}

// finding ends an examination: the image cannot start, or it cannot be told. It comes back as an error does, and
// prove takes the two apart.
type finding struct {
	cause    Cause
	why      string // where it cannot be told: the reason
	missing  string // the very thing: Diagnosis.Missing
	facts    facts
	evidence []Evidence
	line     *shebang // of the script whose interpreter is meant
	lies     []string // where in the image files of the name lie that is missing
	fix      Fix      // better than the cause's own
}

func (f *finding) Error() string { return cmp.Or(f.why, string(f.cause)) }

// cannot is the finding that the image cannot start. What is missing is the facts' Name, if nothing else is said.
func (x *examination) cannot(cause Cause, f facts, evidence ...Evidence) *finding {
	f.User, f.Instr = cmp.Or(f.User, x.describeUser()), x.instruction()
	f.Libc, f.Go = x.d.Libc, x.info != nil
	return &finding{cause: cause, missing: f.Name, facts: f, evidence: evidence}
}

// note adds to the evidence.
func (f *finding) note(claim, at, found string) {
	f.evidence = append(f.evidence, Evidence{claim, at, found})
}

// unknown is the finding that nothing can be said, and why.
func unknown(format string, args ...any) *finding { return &finding{why: fmt.Sprintf(format, args...)} }

// Examine tells whether an image can start on a machine, and what could be better
// about it. The error is only ever about reading the image; what the image holds
// is in the diagnosis.
func Examine(ctx context.Context, img image.Image, machine Machine, options Options) (*Diagnosis, error) {
	x := newExamination(ctx, img, machine, options)
	x.mends = 2
	if err := x.prove(ctx); err != nil {
		return nil, err
	}
	if far, ok := img.(interface{ Enough() image.Read }); ok {
		read := far.Enough()
		x.d.Read = &read
	}
	if err := x.advise(ctx); err != nil {
		return nil, err
	}
	x.d.Fix.Dockerfile = options.inPlace(x.d.Fix.Dockerfile)
	return x.d.shorten(), nil
}

// Prove is Examine without the advice and without a search for the best fix, which take more of the image's files.
func Prove(ctx context.Context, img image.Image, machine Machine, options Options) (*Diagnosis, error) {
	x := newExamination(ctx, img, machine, options)
	err := x.prove(ctx)
	return x.d.shorten(), err
}

// Identify is the part of Examine that says whom the process runs as. Without numbers, nobody: the image
// does not list the name.
func Identify(ctx context.Context, img image.Image) (User, error) {
	x := newExamination(ctx, img, Machine{}, Options{})
	err := x.account(ctx)
	return x.d.User, imageFault(err)
}

func newExamination(ctx context.Context, img image.Image, machine Machine, options Options) *examination {
	about := img.About()
	config := about.Config
	config.Env = slices.Concat(config.Env, options.Env)
	x := &examination{
		files:  files{Budget: image.NewBudget(ctx, 0), img: img, cwd: "/", mounts: options.Mounts},
		config: config, machine: machine, options: options,
		d: Unknown(about.Name, ""), env: environment(config.Env),
	}
	x.d.ID = about.ID
	return x
}

// unseen ends the way where the image starts, and what comes then was not looked at.
func (x *examination) unseen(what string) error {
	x.unexamined = what
	return nil
}

// prove comes to a diagnosis, and mends what was found as far as it is to.
func (x *examination) prove(ctx context.Context) error {
	var found *finding // nil: it starts
	switch err := x.stages(ctx); {
	case errors.As(err, &found):
	case errors.Is(err, image.ErrTooLarge):
		found = unknown("%v", err)
	case err != nil:
		return err
	}
	if x.mends > 0 {
		if err := x.mend(ctx, found); err != nil && !errors.Is(err, image.ErrTooLarge) { // then its cause's own fix stands
			return err
		}
	}
	x.conclude(found)
	return nil
}

// stages goes through a start in the order of the causes' precedence; nil means that it starts.
func (x *examination) stages(ctx context.Context) error {
	if x.config.OS != "" && x.config.OS != "linux" {
		return unknown("it is a %s image, and the doctor knows the rules of Linux only", x.config.OS)
	}
	if x.machine.OS != "" && x.machine.OS != "linux" {
		return unknown("the engine runs %s containers, and the doctor knows the rules of Linux only", x.machine.OS)
	}
	for _, stage := range []func(context.Context) error{
		x.nonRoot, x.account, x.command, x.workdir, x.volumes, x.lookup, x.execute,
	} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// account is the stage of USER.
func (x *examination) account(ctx context.Context) error {
	spec := x.config.User
	asked := Evidence{"the image's config names the user", "config.User", fmt.Sprintf("%q", spec)}
	if x.options.User != "" {
		spec = x.options.User
		asked = Evidence{"the user is named by", x.called("--user"), fmt.Sprintf("%q", spec)}
	}
	spec = x.options.Pod.user(spec)
	x.d.User.Configured = spec
	if err := x.become(ctx, spec, asked); err != nil {
		return err
	}
	x.d.User.UID, x.d.User.GID, x.d.User.Groups = &x.as.uid, &x.as.gid, x.as.groups
	if _, set := x.env["HOME"]; !set {
		x.env["HOME"] = x.as.home
	}
	if (x.machine.Overrides || x.options.Pod != nil) && x.options.capable()&overrides != 0 { // containerd is such an engine
		x.as.past = new(bool)
	}
	return nil
}

// command is the stage of ENTRYPOINT and CMD, combined as moby does it
// (daemon.mergeAndVerifyConfig, runconfig's merge).
func (x *examination) command(context.Context) error {
	entrypoint, cmd := x.config.Entrypoint, x.config.Cmd
	if x.options.Entrypoint != nil {
		if entrypoint = *x.options.Entrypoint; len(entrypoint) > 0 {
			cmd = nil
		}
	}
	if len(x.options.Args) > 0 {
		cmd = x.options.Args
	}
	// [""] counts as unset, but in a pod's own
	if len(entrypoint) == 1 && entrypoint[0] == "" && (x.options.Pod == nil || x.options.Entrypoint == nil) {
		entrypoint = nil
	}
	argv := append(slices.Clone(entrypoint), cmd...)
	x.d.Argv, x.entrypoint = append(x.d.Argv, argv...), len(entrypoint)
	if len(argv) == 0 {
		return x.cannot(NoCommand, facts{},
			Evidence{"the image names no program", "config.Entrypoint", fmt.Sprintf("%q", x.config.Entrypoint)},
			Evidence{"and no command", "config.Cmd", fmt.Sprintf("%q", x.config.Cmd)})
	}
	if argv[0] == "" {
		return x.cannot(EmptyCommand, facts{},
			Evidence{"the program's name, the first of the list, is empty", x.source(), fmt.Sprintf("%q", argv)})
	}
	if x.options.Open[argv[0]] {
		return unknown("the program is %q, and what that stands for is not known here", argv[0])
	}
	if n := shellForm(argv, x.config.Shell); n > 0 {
		x.shellForm, x.shellCommand = true, strings.Join(argv[n:], " ")
	}
	return nil
}

// source names where the program comes from.
func (x *examination) source() string {
	switch {
	case x.options.Entrypoint != nil && len(*x.options.Entrypoint) > 0:
		return x.called("--entrypoint")
	case x.options.Entrypoint == nil && len(x.config.Entrypoint) > 0 && x.config.Entrypoint[0] != "":
		return "config.Entrypoint"
	case len(x.options.Args) > 0:
		return x.called("ARGS")
	}
	return "config.Cmd"
}

// shellForm reports whether argv is what a builder writes for a shell form, the
// shell of the SHELL instruction, or the default one, and the command; and how
// many words of it are the shell's. Zero: it is not.
func shellForm(argv, shell []string) int {
	for _, s := range [][]string{shell, {"/bin/sh", "-c"}} {
		if len(s) > 0 && len(argv) > len(s) && slices.Equal(argv[:len(s)], s) {
			return len(s)
		}
	}
	return 0
}

// volumes goes with workdir: docker refuses to mount a volume over a file.
func (x *examination) volumes(ctx context.Context) error {
	for _, volume := range slices.Sorted(maps.Keys(x.config.Volumes)) {
		at, there, err := x.files.look(ctx, path.Clean("/"+volume), root)
		if err != nil {
			return err
		}
		if there && !at.Mode.IsDir() {
			return unknown("VOLUME %s is a file in the image: docker refuses to mount a volume over it, other engines may not", volume)
		}
	}
	return nil
}

// workdir is the stage of WORKDIR: the daemon creates a WORKDIR that is missing
// (moby's SetupWorkingDirectory), and gives up where a file is in the way.
func (x *examination) workdir(ctx context.Context) error {
	dir, source := x.config.WorkingDir, "config.WorkingDir"
	if x.options.Workdir != "" {
		dir, source = x.options.Workdir, x.called("--workdir")
	}
	if dir == "" {
		return nil
	}
	unusable := func(at, found string) error {
		return x.cannot(WorkdirUnusable, facts{Name: dir, At: at},
			Evidence{"the process must begin in", source, fmt.Sprintf("%q", dir)}, Evidence{"this is no folder", at, found})
	}
	if !strings.HasPrefix(dir, "/") {
		return unusable(dir, "not an absolute path")
	}
	x.files.cwd = path.Clean(dir)
	at, err := x.files.resolve(ctx, x.files.cwd, root)
	way, mounted := broke(err), hidden("")
	switch {
	case errors.As(err, &mounted):
		return nil // a folder, most likely
	case err == nil && !at.Mode.IsDir():
		return unusable(at.Path, describe(at.Entry))
	case way == nil:
		return err
	case way.kind == absent, way.kind == dangling:
		// Created at the start, down to its last folder; so nothing is in there.
		x.files.made = wholePath(way)
	case way.kind == through, way.kind == looping:
		return unusable(way.at, way.Error())
	}
	return nil // or the running system's: /proc/…
}
