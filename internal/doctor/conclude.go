package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// conclude turns what was found into the diagnosis.
func (x *examination) conclude(f *finding) {
	d := x.d
	yes, no := true, false
	switch {
	case f == nil:
		d.Starts = &yes
		d.Summary = fmt.Sprintf("starts %s as uid %d, gid %d", d.Program, *d.User.UID, *d.User.GID)
		if d.Evidence = append(d.Evidence, x.way...); x.unexamined != "" {
			d.Summary += "; " + x.unexamined + " then was not examined"
		}
		return
	case f.cause == "":
		d.Summary = "cannot tell: " + f.why
		return
	}
	d.Starts, d.Cause, d.Missing, d.Page = &no, f.cause, f.missing, f.cause.Page()
	row := f.cause.Row()
	if d.Phase = PhaseStart; x.pastStart {
		d.Phase = PhaseExec
	}
	d.Summary = fill(row.Summary, f.facts)
	if d.Fix = f.fix; f.fix == (Fix{}) {
		d.Fix = row.fix(f.facts)
	}
	if who := d.User.Configured; strings.HasPrefix(d.Fix.Dockerfile, "RUN ") && x.as.uid != 0 && plainWord.MatchString(who) {
		d.Fix.Dockerfile = "USER 0\n" + d.Fix.Dockerfile + "\nUSER " + who
	}
	if x.turns > 1 { // somebody has started already
		x.way = slices.Insert(x.way, 0, x.first())
	}
	for _, e := range append(x.way, f.evidence...) { // by which way, and then why not
		if !slices.Contains(d.Evidence, e) {
			d.Evidence = append(d.Evidence, e)
		}
	}
}

// would examines the image as lines of a Dockerfile make it; it is not known where they change more than its config.
func (x *examination) would(ctx context.Context, lines string, mends int) (*Diagnosis, error) {
	c, options := x.config, x.options
	for line := range strings.SplitSeq(lines, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		var list []string
		isList := json.Unmarshal([]byte(rest), &list) == nil
		switch {
		case word == "ENTRYPOINT" && isList:
			c.Entrypoint, c.Cmd, options.Entrypoint, options.Args = list, nil, nil, nil
		case word == "CMD" && isList:
			c.Cmd, options.Args = list, nil
		case word == "USER":
			c.User, options.User = rest, ""
		case word == "WORKDIR":
			c.WorkingDir, options.Workdir = rest, ""
		case word == "ENV":
			c.Env = append(slices.Clip(c.Env), rest)
		default:
			return Unknown("", "the files change"), nil
		}
	}
	return x.again(ctx, c, options, x.machine.Overrides, mends)
}

// again examines the image with another config or other options, or on an engine that leaves the user more or less.
func (x *examination) again(ctx context.Context, config image.Config, options Options, overrides bool, mends int) (*Diagnosis, error) {
	y := newExamination(ctx, x.files.img, x.machine, options)
	y.config, y.env, y.files.Budget, y.mends, y.machine.Overrides = config, environment(config.Env), x.files.Budget, mends, overrides
	defer y.files.Borrow()() // one such examination after the other draws from the same time
	return y.d, y.prove(ctx)
}

// systemPath matches what a distribution brings.
var systemPath = regexp.MustCompile(`^/(usr/)?(s?bin|lib[^/]*|share|libexec)/`)

// elsewhere finds where in the image files lie of the name that is missing, or where no name is, the programs that it
// brings of its own; and which layer took away what is missing. Only here all layers are read.
func (x *examination) elsewhere(ctx context.Context, f *finding) error {
	name := path.Base(strings.Trim(f.missing, "\r\n "+listQuotes))
	switch f.cause {
	case NoCommand, EmptyCommand:
		name = ""
	case MissingLibrary, MissingLoader, MissingEntrypoint, NotOnPath, NotADirectory, DanglingSymlink, MissingInterpreter:
	case MissingSymbolVersion:
		name = path.Base(f.facts.Library)
	default:
		return nil
	}
	if f.facts.Option != "" || f.facts.Lacks != "" && !shells[f.facts.Lacks] {
		return nil
	}
	if strings.HasPrefix(name, "-") {
		name = "" // an argument, where a program is meant
	}
	lister, _ := x.files.img.(image.Lister)
	if far, ok := x.files.img.(image.Deeper); ok {
		if deep, err := far.Deep(ctx); err == nil {
			defer deep.Close()
			lister, _ = deep.(image.Lister)
		}
	}
	if lister == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	fits := func(e image.Entry) bool {
		base := path.Base(e.Path)
		if name != "" {
			return strings.EqualFold(base, name)
		}
		_, wraps := wrapperOf(base)
		return e.Mode.IsRegular() && e.Mode.Perm()&0o111 != 0 && !wraps && !systemPath.MatchString(e.Path) && !strings.Contains(base, ".so")
	}
	way, first := cmp.Or(f.facts.Target, f.missing), image.Entry{}
	for e := range lister.Walk() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !fits(e) || e.Mode.IsDir() || len(f.lies) == 16 || e.Path == way || e.Path == f.missing {
			continue
		}
		if _, there, _ := x.files.look(ctx, e.Path, root); !there {
			continue // a dangling link
		}
		if len(f.lies) == 0 || path.Dir(e.Path) == x.config.WorkingDir { // where it is expected: first
			first, f.lies = e, slices.Insert(f.lies, 0, e.Path)
		} else {
			f.lies = append(f.lies, e.Path)
		}
	}
	if len(f.lies) > 0 && name != "" {
		f.note("a file of that name lies elsewhere in the image", first.Path, describe(first))
	}
	lost := 0
	for e, by := range lister.Lost() {
		link := e.IsLink() && strings.HasPrefix(way, e.Path+"/")
		if link || name != "" && fits(e) {
			lost++
			f.note(fmt.Sprintf("an earlier layer brought it, and layer %d took it away or put something else in its place", by),
				e.Path, describe(e))
			if !link {
				f.facts.Lost, f.facts.Target, f.facts.Layer = e.Path, e.Path, by
			}
		}
		if lost == 2 || ctx.Err() != nil {
			break
		}
	}
	return ctx.Err()
}

// instead gives the instructions that start other words in the place of one.
func (x *examination) instead(word string, words ...string) string {
	argv, _ := x.words()
	at := slices.Index(argv, word)
	if at < 0 { // found on PATH, or made of the words
		at = max(0, slices.IndexFunc(argv, func(w string) bool { return w == path.Base(word) }))
	}
	return x.spliced(at, at+1, words...)
}

// words are those of the command, and how many of them are ENTRYPOINT's; of a shell form that is one program, those of that.
func (x *examination) words() (argv []string, entrypoint int) {
	if x.shellForm && x.turns > 0 {
		if plain, _ := plainCommand(x.shellCommand, x.env); len(plain) > 0 {
			if x.instruction() == "ENTRYPOINT" {
				entrypoint = len(plain)
			}
			return plain, entrypoint
		}
	}
	return x.d.Argv, x.entrypoint
}

// spliced gives the instructions that start other words in the place of those from one to another.
func (x *examination) spliced(from, to int, words ...string) string {
	argv, n := x.words()
	from, to = min(from, len(argv)), min(to, len(argv))
	all := slices.Concat(argv[:from], words, argv[to:])
	if from >= n {
		if x.instruction() == "CMD" || n > 0 && x.options.Args == nil {
			return "CMD " + execForm(all[n:]...)
		}
		return "ENTRYPOINT " + execForm(all...)
	}
	n += len(words) - (min(n, to) - from)
	lines := "ENTRYPOINT " + execForm(all[:n]...)
	if n < len(all) {
		lines += "\nCMD " + execForm(all[n:]...)
	}
	return lines
}
