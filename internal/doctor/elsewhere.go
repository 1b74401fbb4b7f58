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
			return path.Base(e.Path) == name
		}
		_, wraps := wrapperOf(path.Base(e.Path))
		return e.Mode.IsRegular() && e.Mode.Perm()&0o111 != 0 && !wraps && !systemPath.MatchString(e.Path) &&
			!strings.Contains(path.Base(e.Path), ".so")
	}
}

// elsewhere finds where in the image files lie of the name that is missing, and tells which layer took
// away what is missing. Only here all layers are read.
func (x *examination) elsewhere(ctx context.Context, f *finding) (lies []image.Entry, err error) {
	name := path.Base(strings.Trim(f.missing, "\r"))
	switch f.cause {
	case NoCommand, EmptyCommand:
		name = ""
	case MissingLibrary, MissingLoader, MissingEntrypoint, NotOnPath, NotADirectory, DanglingSymlink, MissingInterpreter:
	case MissingSymbolVersion, MissingSymbol:
		name = path.Base(f.facts.Library)
	default:
		return nil, nil
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
	argv, n := x.d.Argv, x.entrypoint
	at := slices.Index(argv, word)
	if at < 0 && x.shellForm {
		plain, _ := plainCommand(x.shellCommand, x.env)
		if argv, n = plain, 0; x.instruction() == "ENTRYPOINT" {
			n = len(plain)
		}
		at = slices.Index(argv, word)
	}
	if at < 0 { // found on PATH, or made of the words
		at = 0
	}
	if len(argv) == 0 {
		argv = []string{word}
	}
	all := slices.Concat(argv[:at], words, argv[at+1:])
	if at >= n {
		if x.instruction() == "CMD" || n > 0 && x.start.Args == nil {
			return "CMD " + execForm(all[n:]...)
		}
		return "ENTRYPOINT " + execForm(all...)
	}
	cut := n + len(words) - 1
	lines := "ENTRYPOINT " + execForm(all[:cut]...)
	if cut < len(all) {
		lines += "\nCMD " + execForm(all[cut:]...)
	}
	return lines
}
