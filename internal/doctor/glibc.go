package doctor

import (
	"bytes"
	"context"
	debug "debug/elf"
	"encoding/binary"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
	"optimizing-dockerfile/internal/doctor/image"
)

// glibc's rules: ld.so(8), and elf/dl-load.c.
type glibc struct {
	cache     map[string][]cached // of /etc/ld.so.cache
	cachePath string              // and the file, where the loader has one
	defaults  []string            // compiled into the loader
	variants  []string            // folders below each, for certain processors, the best first
	below     map[string][]string // which of them a folder has, and itself
	doubtful  []string            // those for processors that the machine's may not be
	level     int                 // the machine's
	lib       string              // what $LIB stands for
	platform  string
}

// cached is an entry of the loader's cache.
type cached struct {
	path  string
	level int // of the processors that it is for; zero: all
}

// What is compiled into a loader: its default folders ("/lib/x86_64-linux-gnu/", or such of a prefix of
// its own), and its cache.
var (
	systemDir  = regexp.MustCompile(`^/(?:[!-~]+/)?lib[^/]*/(?:[!-~]+/)?$`)
	systemFile = regexp.MustCompile(`^/[!-~]+[./]cache$`)
	libDir     = regexp.MustCompile(`lib[^/]*(?:/[^/]+-linux-[^/]+)?$`)
)

func newGlibc(ctx context.Context, x *examination, file *elf.File, loader []byte) (*glibc, error) {
	g := &glibc{below: map[string][]string{}, platform: map[debug.Machine]string{debug.EM_X86_64: "x86_64", debug.EM_AARCH64: "aarch64",
		debug.EM_386: "i686"}[file.Machine],
		level: x.machine.Level}
	for text := range bytes.SplitSeq(loader, []byte{0}) {
		if len(text) < 4 || text[0] != '/' || len(text) > image.MaxPath {
			continue
		}
		if err := x.files.Work(int64(len(text) / 4)); err != nil {
			return nil, err
		}
		switch {
		case systemDir.Match(text):
			if dir := strings.TrimSuffix(string(text), "/"); len(g.defaults) < 16 && !slices.Contains(g.defaults, dir) {
				g.defaults = append(g.defaults, dir)
			}
		case g.cachePath == "" && systemFile.Match(text):
			g.cachePath = string(text)
		}
	}
	if len(g.defaults) == 0 {
		g.defaults = []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"}
	}
	if g.lib = libDir.FindString(g.defaults[0]); g.lib == "" {
		g.lib = "lib"
	}
	if file.Machine == debug.EM_X86_64 {
		if bytes.Contains(loader, []byte("glibc-hwcaps")) {
			g.variants = []string{"glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2"}
		}
		if bytes.Contains(loader, []byte("\x00tls\x00")) { // up to 2.36
			g.variants = append(g.variants, "tls/x86_64", "tls", "x86_64")
		}
	}
	content, err := x.text(ctx, g.cachePath, maxContent)
	if err == nil {
		g.cache = parseCache(content, file)
	}
	return g, err
}

func (g *glibc) find(ctx context.Context, s *search) (*object, error) {
	l, by := s.l, s.by
	s.below = func(ctx context.Context, dir string) ([]string, error) { return g.levels(ctx, l, dir) }
	if strings.Contains(s.name, "/") {
		return s.at(ctx, g.expand(s.name, by))
	}
	if o, err := s.in(ctx, g.before(l, by)); o != nil || err != nil {
		return o, err
	}
	if !by.dyn.NoDefault {
		for _, c := range g.cache[s.name] {
			if c.level > g.level && g.level > 0 {
				continue
			}
			o, err := s.at(ctx, c.path)
			if o != nil && c.level > g.level {
				l.doubt = c.path
				continue
			}
			if o != nil || err != nil {
				return o, err
			}
			if len(s.notes) < maxNotes {
				s.notes = append(s.notes, Evidence{"the loader's cache " + g.cachePath + " names it, and there it is not", c.path,
					"not there"})
			}
		}
		if o, err := s.in(ctx, g.defaults); o != nil || err != nil {
			return o, err
		}
	}
	doubtful := &search{l: l, by: by, name: s.name}
	if o, err := doubtful.in(ctx, g.doubtful); err != nil {
		return nil, err
	} else if o != nil {
		l.doubt = o.path
	}
	s.nowhere(" and in the loader's cache " + g.cachePath)
	return nil, nil
}

// before are the folders that come before the cache.
func (g *glibc) before(l *linker, by *object) (dirs []string) {
	if main := l.objects[0]; !by.dyn.HasRunpath {
		for o := by; o != nil; o = o.by {
			if !o.dyn.HasRunpath {
				dirs = append(dirs, g.list(o.dyn.Rpath, o, l.secure)...)
			}
			if o.by == nil && o != main && !main.dyn.HasRunpath {
				dirs = append(dirs, g.list(main.dyn.Rpath, main, l.secure)...)
			}
		}
	}
	if !l.secure {
		dirs = append(dirs, g.list(strings.ReplaceAll(l.env["LD_LIBRARY_PATH"], ";", ":"), l.objects[0], false)...)
	}
	return append(dirs, g.list(by.dyn.Runpath, by, l.secure)...)
}

// levels are a folder, and before it those below it that the loader looks into first: for certain processors.
func (g *glibc) levels(ctx context.Context, l *linker, dir string) ([]string, error) {
	if below, known := g.below[dir]; known {
		return below, nil
	}
	var below []string
	for _, variant := range g.variants {
		level, _ := strconv.Atoi(strings.TrimPrefix(variant, "glibc-hwcaps/x86-64-v"))
		at := path.Join(dir, variant)
		if level > g.level && g.level > 0 {
			continue
		}
		_, there, err := l.x.files.look(ctx, at, l.x.as)
		switch {
		case err != nil:
			return nil, err
		case !there:
		case level > g.level:
			g.doubtful = append(g.doubtful, at)
		default:
			below = append(below, at)
		}
	}
	g.below[dir] = append(below, dir)
	return g.below[dir], nil
}

func (g *glibc) home() string { return g.defaults[len(g.defaults)-1] }

// list splits a search path and fills in its variables. Secure: what $ORIGIN stands for counts
// below the default folders only.
func (g *glibc) list(text string, o *object, secure bool) []string {
	if text == "" {
		return nil
	}
	var dirs []string
	for dir := range strings.SplitSeq(text, ":") {
		origin := strings.Contains(dir, "ORIGIN")
		if dir = g.expand(dir, o); dir == "" {
			dir = "." // an empty element is the working folder
		}
		within := func(d string) bool { return strings.HasPrefix(path.Clean(dir)+"/", d+"/") }
		if secure && origin && !slices.ContainsFunc(g.defaults, within) {
			continue
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
	for name, value := range map[string]string{"ORIGIN": o.dir, "LIB": g.lib, "PLATFORM": g.platform} {
		text = strings.NewReplacer("${"+name+"}", value, "$"+name, value).Replace(text)
	}
	return text
}

// cacheMagic begins the cache's present format; an older one may stand before it (sysdeps/generic/dl-cache.h).
var cacheMagic = []byte("glibc-ld.so.cache1.1")

// maxCache is how many entries of the cache are read.
const maxCache = 1 << 17

// cacheFlags are those of the entries that a machine's loader takes (glibc's _DL_CACHE_DEFAULT_ID in sysdeps/*/dl-cache.h).
var cacheFlags = map[debug.Machine]uint32{debug.EM_X86_64: 0x0303, debug.EM_AARCH64: 0x0a03, debug.EM_386: 0x0003}

// parseCache reads /etc/ld.so.cache: which library lies where. Entries for other machines are left out.
func parseCache(b []byte, file *elf.File) map[string][]cached {
	begins := bytes.Index(b, cacheMagic)
	if begins < 0 {
		return nil
	}
	text := string(b[begins:]) // the names are parts of it: they may overlap without end
	r, order := strings.NewReader(text), file.Order
	var head struct {
		Magic                            [20]byte
		Count, Strings, Flags, Extension uint32
		Unused                           [3]uint32
	}
	if binary.Read(r, order, &head) != nil {
		return nil
	}
	levels, cache := cacheLevels(text, head.Extension, order), map[string][]cached{}
	for range min(head.Count, maxCache) {
		var e struct {
			Flags, Key, Value, System uint32
			Processors                uint64
		}
		if binary.Read(r, order, &e) != nil {
			break
		}
		if want, known := cacheFlags[file.Machine]; known && e.Flags != want && e.Flags != 1 && machineName(file) != "x32" {
			continue
		}
		level, known := 0, true
		if e.Processors != 0 { // a variant for certain processors
			level, known = levels[uint32(e.Processors)]
			known = known && e.Processors>>32 == 1<<30
		}
		key, ok1 := zeroed(text, e.Key)
		value, ok2 := zeroed(text, e.Value)
		if known && ok1 && ok2 && strings.HasPrefix(value, "/") {
			cache[key] = append(cache[key], cached{value, level})
		}
	}
	return cache
}

// cacheLevels reads the extension that names the variants: x86-64's levels, by their index.
func cacheLevels(text string, at uint32, order binary.ByteOrder) map[uint32]int {
	from := func(at uint32) io.Reader {
		return io.NewSectionReader(strings.NewReader(text), int64(at), int64(len(text)))
	}
	levels, r := map[uint32]int{}, from(at)
	var directory struct{ Magic, Count uint32 }
	if binary.Read(r, order, &directory) != nil || directory.Magic != 0xeaa42174 {
		return levels
	}
	for range min(directory.Count, 16) {
		var section struct{ Tag, Flags, Offset, Size uint32 }
		if binary.Read(r, order, &section) != nil {
			break
		}
		names := make([]uint32, min(section.Size/4, 64))
		if section.Tag != 1 || binary.Read(from(section.Offset), order, names) != nil {
			continue
		}
		for i, at := range names {
			name, _ := zeroed(text, at)
			if level, err := strconv.Atoi(strings.TrimPrefix(name, "x86-64-v")); err == nil {
				levels[uint32(i)] = level
			}
		}
	}
	return levels
}

// zeroed is what stands at a place of a text, up to a zero.
func zeroed(text string, at uint32) (string, bool) {
	if uint64(at) >= uint64(len(text)) {
		return "", false
	}
	name, _, ended := strings.Cut(text[at:min(len(text), int(at)+image.MaxPath+1)], "\x00")
	return name, ended
}
