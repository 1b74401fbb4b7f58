package doctor

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/scripts/internal/image/elf"
)

// versions checks DT_VERNEED against DT_VERDEF (glibc's _dl_check_map_versions). Into a library that
// has no table of versions at all glibc warns only, and dies of an assertion when it binds a symbol
// that is looked for by its version there (check_match in elf/dl-lookup.c).
func (l *linker) versions() (*finding, error) {
	lack := func(o, lib *object, need, version, claim, found string) *finding {
		again := "" // what is not the C library's can be brought along by itself
		if main := l.objects[0]; !regexp.MustCompile(`^(ld|lib(c|m|pthread|dl|rt|resolv|util))[-.]`).MatchString(need) {
			again = "COPY --chmod=755 --from=build " + copyWords(libraryFolder(main.file.Interp, main.file)+"/"+path.Base(need), lib.path)
		}
		return &finding{cause: MissingSymbolVersion, missing: version,
			facts: facts{Name: l.objects[0].path, At: o.path, Library: lib.path, Version: version, Libc: l.x.d.Libc, Go: l.x.golang,
				Copies: again, Bare: !lib.dyn.HasVersym()},
			evidence: []Evidence{{"needs this version of " + need + " (ELF DT_VERNEED)", o.path, version}, {claim, lib.path, found}}}
	}
	for _, o := range l.objects {
		for _, need := range o.dyn.Needs {
			lib := l.byName[need.Library]
			if lib == nil || !lib.dyn.HasVersions {
				continue
			}
			for _, version := range need.Versions {
				if slices.Contains(lib.dyn.Defines, version) {
					continue
				}
				newest := ""
				if n := len(lib.dyn.Defines); n > 0 {
					newest = lib.dyn.Defines[n-1]
				}
				return lack(o, lib, need.Library, version, "defines others (ELF DT_VERDEF), the last of them", newest), nil
			}
		}
	}
	for _, o := range l.objects {
		for _, need := range o.dyn.Needs {
			lib := l.byName[need.Library]
			if lib == nil || lib.dyn.HasVersym() {
				continue
			}
			defined, err := lib.dyn.Defined()
			if err != nil {
				return l.corrupt(lib, err)
			}
			wanted, err := o.dyn.Wanted(false)
			if err != nil {
				return l.corrupt(o, err)
			}
			has := map[string]bool{}
			for _, s := range defined {
				has[s.Name] = true
			}
			for _, w := range wanted {
				if w.Library == need.Library && w.Version != "" && has[w.Name] {
					return lack(o, lib, need.Library, w.Version,
						"has the symbol "+w.Name+" without any version (no ELF DT_VERSYM), where the loader gives up", "no table of versions"), nil
				}
			}
		}
	}
	return nil, nil
}

// symbols checks that each symbol that must be there at the start is defined somewhere.
func (l *linker) symbols() (*finding, error) {
	type definition struct {
		elf.Symbol
		in *object
	}
	defined := map[string][]definition{}
	for _, o := range l.objects {
		all, err := o.dyn.Defined()
		if err != nil {
			return l.corrupt(o, err)
		}
		for _, s := range all {
			defined[s.Name] = append(defined[s.Name], definition{s, o})
		}
	}
	for _, o := range l.objects {
		wanted, err := o.dyn.Wanted(l.lazy)
		if err != nil {
			return l.corrupt(o, err)
		}
		for _, w := range wanted {
			if slices.ContainsFunc(defined[w.Name], func(s definition) bool {
				return l.satisfies(s.Symbol, w) && !(w.Copy && s.in == o)
			}) {
				continue
			}
			name := w.Name
			if w.Version != "" {
				name += "@" + w.Version
			}
			return &finding{cause: MissingSymbol, missing: w.Name,
				facts: facts{Name: l.objects[0].path, At: o.path, Symbol: name, Libc: l.x.d.Libc, Go: l.x.golang},
				evidence: []Evidence{
					{"needs the symbol at the start", o.path, name},
					{"none of the files that are loaded defines it", l.loaded(), "not defined"},
				}}, nil
		}
	}
	return nil, nil
}

func (l *linker) corrupt(o *object, err error) (*finding, error) {
	if fault := imageFault(err); fault != nil {
		return nil, fault
	}
	return unknown("the symbols of %s cannot be read: %v", o.path, err), nil
}

// satisfies is the loaders' check of a definition (glibc's check_match in
// elf/dl-lookup.c; musl goes by the name, but for hidden versions).
func (l *linker) satisfies(s, want elf.Symbol) bool {
	if l.x.d.Libc == libcMusl || want.Version == "" {
		return !s.Hidden
	}
	return s.Version == want.Version || s.Version == "" && !s.Hidden
}

func (l *linker) loaded() string {
	var all []string
	for _, o := range l.objects[1:] {
		all = append(all, o.path)
	}
	return strings.Join(all, ", ")
}
