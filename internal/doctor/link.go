package doctor

import (
	"bytes"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"unicode"

	"optimizing-dockerfile/internal/doctor/elf"
)

// maxObjects is how many files one process may load here; the largest programs load some 300.
const maxObjects = 4096

// object is a file in the process: the program, its loader, a library.
type object struct {
	name string // as it was asked for
	path string // the physical one
	dir  string // of the path by which it was found: what $ORIGIN stands for
	file *elf.File
	dyn  *elf.Dynamic
	by   *object // that asked for it
}

// linker loads a program's libraries as its loader does.
type linker struct {
	x       *examination
	rules   rules
	env     map[string]string
	secure  bool   // setuid and the like: LD_LIBRARY_PATH and $ORIGIN do not count
	doubt   string // a library that only some processors' loaders find
	lazy    bool   // functions are looked up at their first call
	objects []*object
	byName  map[string]*object
	byPath  map[string]*object
}

// rules are one C library's.
type rules interface {
	// find opens the library that is searched for; the search notes what was wrong, and where. A nil object is "not found".
	find(ctx context.Context, s *search) (*object, error)
	// home is a folder that is always searched.
	home() string
}

// errFatal ends the loader at a file that is no library, where others search on.
var errFatal = errors.New("it is no library")

// link goes on with a program as the loader by does.
func (x *examination) link(ctx context.Context, p process, file *elf.File, dyn *elf.Dynamic, by process, parsed *elf.File,
	secure bool) error {
	at, loader := p.at, by.at
	l := &linker{x: x, env: p.env, lazy: true, byName: map[string]*object{}, byPath: map[string]*object{}, secure: secure}
	content, err := x.files.beginning(ctx, loader.Path, maxContent)
	if err != nil {
		return err
	}
	loaderDyn, err := parsed.Dynamic()
	if err != nil {
		return cannotRead("dynamic section", loader.Path, err)
	}
	if loaderDyn == nil {
		loaderDyn = &elf.Dynamic{}
	}
	main := &object{name: at.Path, path: at.Path, dir: path.Dir(at.Path), file: file, dyn: dyn}
	self := &object{name: by.name, path: loader.Path, dir: path.Dir(by.name), file: parsed, dyn: loaderDyn}
	hallmark := "" // what each has among its symbols: a file that only looks like a loader starts nothing
	switch {
	case bytes.Contains(content, []byte("musl libc")):
		x.d.Libc, l.lazy, hallmark = libcMusl, false, "__libc_start_main"
		l.rules, err = newMusl(ctx, x, by.name, self)
	case bytes.Contains(content, []byte("GLIBC")) || bytes.Contains(content, []byte("LD_LIBRARY_PATH")) && bytes.Contains(content,
		[]byte("GNU")):
		x.d.Libc, hallmark = libcGlibc, "_r_debug"
		l.rules, err = newGlibc(ctx, x, file, content)
		l.lazy = p.env["LD_BIND_NOW"] == ""
	default:
		if len(dyn.Needed) == 0 {
			return nil
		}
		return unknown("%s is a loader whose rules the doctor does not know", loader.Path)
	}
	if err != nil {
		return err
	}
	genuine := false
	if err := loaderDyn.Defined(func(name []byte, _ string, _ bool) { genuine = genuine || string(name) == hallmark }); err != nil {
		return cannotRead("symbols", self.path, err)
	}
	if !genuine {
		return unknown("%s looks like the loader of %s, and does not define %s: it is none", loader.Path, x.d.Libc, hallmark)
	}
	l.add(main)
	l.add(self)
	return l.load(ctx)
}

func (l *linker) add(o *object) {
	l.objects = append(l.objects, o)
	l.byName[o.name] = o
	l.byPath[o.path] = o
	if l.x.d.Libc == libcGlibc && o.dyn.Soname != "" && l.byName[o.dyn.Soname] == nil {
		l.byName[o.dyn.Soname] = o
	}
}

// load goes through DT_NEEDED breadth first, then checks versions, then symbols: the loaders' own order.
func (l *linker) load(ctx context.Context) error {
	preloads, err := l.preloads(ctx)
	if err != nil {
		return err
	}
	for _, name := range preloads {
		o, _, err := l.find(ctx, l.objects[0], name)
		if fault := imageFault(err); fault != nil {
			return fault
		}
		if err == nil && o != nil && l.byPath[o.path] == nil {
			l.add(o)
		}
	}
	for i := 0; i < len(l.objects); i++ {
		if i == 1 {
			continue // the loader itself
		}
		for _, name := range l.objects[i].dyn.Needed {
			if l.byName[name] != nil {
				continue
			}
			found, s, err := l.find(ctx, l.objects[i], name)
			if err != nil && !errors.Is(err, errFatal) {
				return err
			}
			if found == nil && l.doubt != "" {
				return unknown("%s is needed, and is only where the loaders of newer processors look: %s", name, l.doubt)
			}
			if err != nil || found == nil {
				return l.missing(ctx, s)
			}
			if known := l.byPath[found.path]; known != nil {
				l.byName[name] = known
				continue
			}
			if len(l.objects) >= maxObjects {
				return unknown("it loads more than %d libraries", maxObjects)
			}
			l.add(found)
		}
	}
	if err := l.versions(); err != nil {
		return err
	}
	return l.symbols()
}

// find searches for a library, and takes from the budget what it costs to take the lists of folders
// apart that the search goes through.
func (l *linker) find(ctx context.Context, by *object, name string) (*object, *search, error) {
	cost := len(l.env["LD_LIBRARY_PATH"])
	for o := by; o != nil; o = o.by {
		for _, list := range []string{o.dyn.Rpath, o.dyn.Runpath} {
			cost += 8 + len(list) + strings.Count(list, "$")*(len(o.dir)+1024) // $ORIGIN becomes a path
		}
	}
	s := &search{l: l, by: by, name: name}
	if err := l.x.files.Work(int64(cost / 8)); err != nil {
		return nil, s, err
	}
	o, err := l.rules.find(ctx, s)
	return o, s, err
}

func (l *linker) missing(ctx context.Context, s *search) *finding {
	by, name, notes := s.by, s.name, s.notes
	target := name
	if !strings.Contains(name, "/") {
		target = l.rules.home() + "/" + name
	}
	for _, n := range notes { // over what is there and is of no use
		if strings.HasPrefix(n.Claim, "it is there") {
			target = n.Path
			break
		}
	}
	main := l.objects[0]
	from := libraryFolder(main.file.Interp, main.file) + "/" + path.Base(name)
	own, _, _ := strings.Cut(by.dyn.Runpath+by.dyn.Rpath, ":")
	if strings.HasPrefix(own, "/") && !strings.ContainsAny(own+name, "$") && path.Dir(target) == l.rules.home() {
		from, target = own+"/"+name, own+"/"+name // where the linker saw it
	}
	if l.secure {
		notes = append(notes, Evidence{"it runs with more rights than its user has (setuid, setgid, file capabilities): LD_LIBRARY_PATH " +
			"and $ORIGIN do not count",
			main.path, describe(l.x.binary.Entry) + ", LD_LIBRARY_PATH=" + l.env["LD_LIBRARY_PATH"]})
	}
	foreign := l.x.d.Libc == libcMusl && (libcByName(main.file.Interp) == libcGlibc || slices.Contains(main.dyn.Needed, "libc.so.6"))
	return l.x.cannot(MissingLibrary, facts{Name: name, At: by.path, Target: target, Foreign: foreign, Of: l.x.madeBy(ctx, l.x.binary),
		Copies: "COPY --chmod=755 --from=build " + copyWords(from, target)},
		append([]Evidence{{"needs the library (ELF DT_NEEDED)", by.path, name}}, notes...)...)
}

// preloads are what LD_PRELOAD and glibc's /etc/ld.so.preload name: a library more, never one that must be there.
func (l *linker) preloads(ctx context.Context) ([]string, error) {
	var names []string
	if !l.secure {
		names = strings.FieldsFunc(l.env["LD_PRELOAD"], func(r rune) bool { return r == ':' || r == ' ' })
	}
	if l.x.d.Libc != libcGlibc {
		return names, nil
	}
	content, err := l.x.text(ctx, preloadFile, maxList)
	for line := range strings.Lines(string(content)) {
		line, _, _ = strings.Cut(line, "#")
		names = append(names, strings.FieldsFunc(line, func(r rune) bool { return r == ':' || unicode.IsSpace(r) })...)
	}
	return names, err
}

const preloadFile = "/etc/ld.so.preload"

// maxContent is how much of a file is looked through; glibc's loader has 250 kB, musl's 700.
const maxContent = 8 << 20
