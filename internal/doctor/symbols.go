package doctor

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
)

// notApart are the C library's own parts: of one release, or of none.
var notApart = regexp.MustCompile(`^(ld|lib(c|m|pthread|dl|rt|resolv|util))[-.]`)

// lacksVersion is the finding where a library has not the version that is asked of it.
func (l *linker) lacksVersion(o, lib *object, need, version, claim, found string) *finding {
	again := "" // what is not the C library's can be brought along by itself
	if main := l.objects[0]; !notApart.MatchString(need) {
		again = "COPY --chmod=755 --from=build " + copyWords(libraryFolder(main.file.Interp, main.file)+"/"+path.Base(need), lib.path)
	}
	return l.x.cannot(MissingSymbolVersion, facts{Name: version, At: o.path, Library: lib.path, Copies: again, Bare: !lib.dyn.HasVersym},
		Evidence{"needs this version of " + need + " (ELF DT_VERNEED)", o.path, version}, Evidence{claim, lib.path, found})
}

// versions checks DT_VERNEED against DT_VERDEF (glibc's _dl_check_map_versions; musl does not).
func (l *linker) versions() error {
	if l.x.d.Libc != libcGlibc {
		return nil
	}
	defines := map[*object]map[string]bool{}
	for _, o := range l.objects {
		for _, need := range o.dyn.Needs {
			lib := l.byName[need.Library]
			if lib == nil || !lib.dyn.HasVersions {
				continue
			}
			if defines[lib] == nil {
				defines[lib] = map[string]bool{}
				for _, version := range lib.dyn.Defines {
					defines[lib][version] = true
				}
			}
			for _, version := range need.Versions {
				if defines[lib][version] {
					continue
				}
				newest := ""
				if n := len(lib.dyn.Defines); n > 0 {
					newest = lib.dyn.Defines[n-1]
				}
				return l.lacksVersion(o, lib, need.Library, version, "defines others (ELF DT_VERDEF), the last of them", newest)
			}
		}
	}
	for _, o := range l.objects {
		if err := l.unversioned(o); err != nil {
			return err
		}
	}
	return nil
}

// unversioned finds a library that has no table of versions at all: glibc warns only, and dies of an
// assertion when it binds a symbol that is looked for by its version there (check_match in elf/dl-lookup.c).
func (l *linker) unversioned(o *object) error {
	var wanted []elf.Symbol
	for _, need := range o.dyn.Needs {
		lib := l.byName[need.Library]
		if lib == nil || lib.dyn.HasVersym {
			continue
		}
		var err error
		if wanted == nil { // kept, and so asked for once
			if wanted, err = o.dyn.Wanted(false); err != nil {
				return cannotRead("symbols", o.path, err)
			}
		}
		has := map[string]bool{}
		for _, w := range wanted {
			if w.Library == need.Library && w.Version != "" {
				has[w.Name] = false
			}
		}
		if len(has) == 0 {
			continue
		}
		if err := lib.dyn.Defined(func(name []byte, _ string, _ bool) {
			if _, asked := has[string(name)]; asked {
				has[string(name)] = true
			}
		}); err != nil {
			return cannotRead("symbols", lib.path, err)
		}
		for _, w := range wanted {
			if w.Library == need.Library && w.Version != "" && has[w.Name] {
				return l.lacksVersion(o, lib, need.Library, w.Version,
					"has the symbol "+w.Name+" without any version (no ELF DT_VERSYM), where the loader "+
						"gives up", "no table of versions")
			}
		}
	}
	return nil
}

// symbols checks that each symbol that must be there at the start is defined
// somewhere. Only what is wanted is kept of what is defined: that can be millions.
func (l *linker) symbols() error {
	wanted := make([][]elf.Symbol, len(l.objects))
	names, found := map[string]string{}, map[string][]*object{} // by whom it is defined: two will do
	for i, o := range l.objects {
		var err error
		if wanted[i], err = o.dyn.Wanted(l.lazy); err != nil {
			return cannotRead("symbols", o.path, err)
		}
		for _, w := range wanted[i] {
			names[w.Name] = w.Name
			for _, kind := range l.satisfying(w) {
				found[kind] = nil
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	for _, o := range l.objects {
		err := o.dyn.Defined(func(named []byte, version string, hidden bool) {
			name, any := names[string(named)]
			if !any {
				return
			}
			var kinds []string
			if !hidden {
				kinds = append(kinds, name)
			}
			if !hidden || version != "" {
				kinds = append(kinds, of(name, version))
			}
			for _, kind := range kinds {
				if by, any := found[kind]; any && len(by) < 2 && !slices.Contains(by, o) {
					found[kind] = append(by, o)
				}
			}
		})
		if err != nil {
			return cannotRead("symbols", o.path, err)
		}
	}
	for i, o := range l.objects {
		for _, w := range wanted[i] {
			another := func(by *object) bool { return !w.Copy || by != o } // what is copied into a file must be another's
			if slices.ContainsFunc(l.satisfying(w), func(kind string) bool { return slices.ContainsFunc(found[kind], another) }) {
				continue
			}
			name := w.Name
			if w.Version != "" {
				name += "@" + w.Version
			}
			var loaded []string
			for _, o := range l.objects[1:] {
				loaded = append(loaded, o.path)
			}
			f := l.x.cannot(MissingSymbol, facts{Name: name, At: o.path}, Evidence{"needs the symbol at the start", o.path, name},
				Evidence{"none of the files that are loaded defines it", strings.Join(loaded, ", "), "not defined"})
			f.missing = w.Name
			return f
		}
	}
	return nil
}

// of is the definition of a name with a version, "" none; a name alone is any that is not hidden.
func of(name, version string) string { return name + "\x00" + version }

// satisfying are the definitions of which the loaders take one (glibc's check_match
// in elf/dl-lookup.c; musl goes by the name, but for hidden versions).
func (l *linker) satisfying(want elf.Symbol) []string {
	if l.x.d.Libc == libcMusl || want.Version == "" {
		return []string{want.Name}
	}
	return []string{of(want.Name, want.Version), of(want.Name, "")}
}
