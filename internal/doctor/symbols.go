package doctor

import (
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
)

// versions checks DT_VERNEED against DT_VERDEF (glibc's _dl_check_map_versions).
func (l *linker) versions() *finding {
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
				return &finding{cause: MissingSymbolVersion, missing: version,
					facts: facts{Name: l.objects[0].path, At: o.path, Library: lib.path, Version: version, Libc: l.x.d.Libc, Go: l.x.golang},
					evidence: []Evidence{
						{"needs this version of " + need.Library + " (ELF DT_VERNEED)", o.path, version},
						{"defines others (ELF DT_VERDEF), the last of them", lib.path, newest},
					}}
			}
		}
	}
	return nil
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
