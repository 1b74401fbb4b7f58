package doctor

import (
	"bytes"
	"context"
	"errors"
	"path"
	"regexp"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
)

// glibc's rules: ld.so(8), and elf/dl-load.c.
type glibc struct {
	cache    map[string][]string // of /etc/ld.so.cache
	defaults []string            // compiled into the loader
	lib      string              // what $LIB stands for
	platform string
}

// systemDir matches the default folders as they stand in the loader: "/lib/x86_64-linux-gnu/".
var systemDir = regexp.MustCompile(`\x00?(/(?:usr/)?lib[0-9a-z_/-]*/)\x00`)

func newGlibc(ctx context.Context, x *examination, file *elf.File, loader []byte) (*glibc, error) {
	g := &glibc{platform: map[uint16]string{elf.MX86_64: "x86_64", elf.MAARCH64: "aarch64", elf.M386: "i686"}[file.Machine]}
	for _, m := range systemDir.FindAllSubmatch(loader, 64) {
		if dir := strings.TrimSuffix(string(m[1]), "/"); len(g.defaults) < 16 {
			g.defaults = append(g.defaults, dir)
		}
	}
	if len(g.defaults) == 0 {
		g.defaults = []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"}
	}
	g.lib = strings.TrimPrefix(g.defaults[0], "/")
	at, err := x.files.resolve(ctx, "/etc/ld.so.cache", x.as)
	var way *lookupError
	switch {
	case errors.As(err, &way) || err == nil && (!at.Mode.IsRegular() || !x.as.mayRead(at.Entry)):
		return g, nil
	case err != nil:
		return nil, err
	}
	content, err := x.content(ctx, at)
	if err != nil {
		return nil, err
	}
	g.cache = parseCache(content, file.Machine, file.Class)
	return g, nil
}

func (g *glibc) find(ctx context.Context, l *linker, by *object, name string) (*object, []Evidence, error) {
	name2 := g.expand(name, by)
	if strings.Contains(name, "/") {
		o, note, err := l.open(ctx, by, name, name2)
		return o, one(note), err
	}
	var notes []Evidence
	var looked []string
	try := func(dirs []string) (*object, error) {
		o, more, err := l.search(ctx, by, name, dirs)
		notes = append(notes, more...)
		looked = someOf(looked, dirs)
		return o, err
	}
	if !by.dyn.HasRunpath {
		main := l.objects[0]
		for o := by; o != nil; o = o.by {
			if !o.dyn.HasRunpath {
				if found, err := try(g.list(o.dyn.Rpath, o, ":")); found != nil || err != nil {
					return found, notes, err
				}
			}
			if o.by == nil && o != main && !main.dyn.HasRunpath {
				if found, err := try(g.list(main.dyn.Rpath, main, ":")); found != nil || err != nil {
					return found, notes, err
				}
			}
		}
	}
	if !l.secure {
		if found, err := try(g.list(l.x.env["LD_LIBRARY_PATH"], l.objects[0], ":;")); found != nil || err != nil {
			return found, notes, err
		}
	}
	if found, err := try(g.list(by.dyn.Runpath, by, ":")); found != nil || err != nil {
		return found, notes, err
	}
	if !by.dyn.NoDefault {
		for _, at := range g.cache[name] {
			o, note, err := l.open(ctx, by, name, at)
			if o != nil || err != nil {
				return o, append(notes, one(note)...), err
			}
			notes = append(notes, Evidence{"/etc/ld.so.cache names it, and there it is not", at, "not there"})
		}
		if found, err := try(g.defaults); found != nil || err != nil {
			return found, notes, err
		}
	}
	if len(notes) == 0 {
		notes = []Evidence{{"looked for in " + strings.Join(looked, ", ") + " and in /etc/ld.so.cache", name, "not there"}}
	}
	return nil, notes, nil
}

func (g *glibc) home() string { return g.defaults[len(g.defaults)-1] }

// list splits a search path and fills in its variables.
func (g *glibc) list(text string, o *object, separators string) []string {
	if text == "" {
		return nil
	}
	var dirs []string
	if len(separators) > 1 {
		text = strings.ReplaceAll(text, separators[1:], separators[:1])
	}
	for _, dir := range strings.Split(text, separators[:1]) {
		if dir = g.expand(dir, o); dir == "" {
			dir = "." // an empty element is the working folder
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// expand fills in $ORIGIN, $LIB and $PLATFORM (ld.so(8), "Dynamic string tokens").
func (g *glibc) expand(text string, o *object) string {
	if !strings.Contains(text, "$") {
		return text
	}
	for name, value := range map[string]string{"ORIGIN": path.Dir(o.path), "LIB": g.lib, "PLATFORM": g.platform} {
		text = strings.NewReplacer("${"+name+"}", value, "$"+name, value).Replace(text)
	}
	return text
}

func one(note *Evidence) []Evidence {
	if note == nil {
		return nil
	}
	return []Evidence{*note}
}

// cacheMagic begins the cache's present format; an older one may stand before it (sysdeps/generic/dl-cache.h).
var cacheMagic = []byte("glibc-ld.so.cache1.1")

// maxCache is how many entries of the cache are read.
const maxCache = 1 << 17

// parseCache reads /etc/ld.so.cache: which library lies where. Entries for other machines are left out.
func parseCache(b []byte, machine uint16, class byte) map[string][]string {
	i := bytes.Index(b, cacheMagic)
	if i < 0 {
		return nil
	}
	b = b[i:]
	if len(b) < 48 {
		return nil
	}
	text := string(b) // the names are parts of it: they may overlap without end
	order := elf.CacheOrder(machine)
	count := int(order.Uint32(b[20:]))
	cache := map[string][]string{}
	for n := 0; n < min(count, maxCache); n++ {
		at := 48 + 24*n
		if at+24 > len(b) {
			break
		}
		flags := order.Uint32(b[at:])
		if want, known := elf.CacheFlags(machine, class); known && flags != want && flags != 1 {
			continue
		}
		if order.Uint64(b[at+16:]) != 0 { // a variant for certain processors
			continue
		}
		key, ok1 := zeroed(text, int(order.Uint32(b[at+4:])))
		value, ok2 := zeroed(text, int(order.Uint32(b[at+8:])))
		if ok1 && ok2 && strings.HasPrefix(value, "/") {
			cache[key] = append(cache[key], value)
		}
	}
	return cache
}

func zeroed(text string, at int) (string, bool) {
	if at < 0 || at >= len(text) {
		return "", false
	}
	end := strings.IndexByte(text[at:min(len(text), at+maxPath+1)], 0)
	if end < 0 {
		return "", false
	}
	return text[at : at+end], true
}
