package doctor

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// systemPath matches what a distribution brings.
var systemPath = regexp.MustCompile(`^/(usr/)?(s?bin|lib[^/]*|share|libexec)/`)

// wanted matches a file by its name; for no name, the programs that the image brings of its own.
func wanted(name string) func(image.Entry) bool {
	return func(e image.Entry) bool {
		if name != "" {
			return strings.EqualFold(path.Base(e.Path), name)
		}
		_, wraps := wrapperOf(path.Base(e.Path))
		return e.Mode.IsRegular() && e.Mode.Perm()&0o111 != 0 && !wraps && !systemPath.MatchString(e.Path) &&
			!strings.Contains(path.Base(e.Path), ".so")
	}
}

// elsewhere finds where in the image files lie of the name that is missing, and tells which layer took
// away what is missing. Only here all layers are read.
func (x *examination) elsewhere(ctx context.Context, f *finding) (lies []image.Entry, err error) {
	name := path.Base(strings.Trim(f.missing, "\r\n "+listQuotes))
	switch f.cause {
	case NoCommand, EmptyCommand:
		name = ""
	case MissingLibrary, MissingLoader, MissingEntrypoint, NotOnPath, NotADirectory, DanglingSymlink, MissingInterpreter:
	case MissingSymbolVersion, MissingSymbol:
		name = path.Base(f.facts.Library)
	default:
		return nil, nil
	}
	if f.facts.Option != "" || f.facts.Lacks != "" && !shells[f.facts.Lacks] {
		return nil, nil
	}
	if strings.HasPrefix(name, "-") {
		name = "" // an argument, where a program is meant
	}
	lister, _ := x.lister()
	if far, ok := x.base().(image.Deeper); ok {
		if deep, err := far.Deep(ctx); err == nil {
			defer deep.Close()
			lister, _ = deep.(image.Lister)
		}
	}
	if lister == nil || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	fits, way := wanted(name), cmp.Or(f.facts.Target, f.missing)
	if err := lister.Walk(func(e image.Entry) error {
		if fits(e) && !e.Mode.IsDir() && len(lies) < 16 && e.Path != way && e.Path != f.missing {
			if _, err := x.files.peek(ctx, e.Path); err == nil { // no dangling link
				at := len(lies)
				if path.Dir(e.Path) == x.config.WorkingDir { // where it is expected: first
					at = 0
				}
				lies = slices.Insert(lies, at, e)
			}
		}
		return ctx.Err()
	}); err != nil {
		return nil, err
	}
	if len(lies) > 0 && name != "" {
		f.evidence = append(f.evidence, Evidence{"a file of that name lies elsewhere in the image", lies[0].Path, describe(lies[0])})
	}
	lost := 0
	err = lister.Lost(func(e image.Entry, by int) error {
		link := e.IsLink() && strings.HasPrefix(way, e.Path+"/")
		if lost < 2 && (link || name != "" && fits(e)) {
			lost++
			f.evidence = append(f.evidence,
				Evidence{fmt.Sprintf("an earlier layer brought it, and layer %d took it away or put something else in its place", by), e.Path, describe(e)})
			if !link {
				f.facts.Lost, f.facts.Target, f.facts.Layer = e.Path, e.Path, by
			}
		}
		return ctx.Err()
	})
	return lies, err
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
		if x.instruction() == "CMD" || n > 0 && x.start.Args == nil {
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
