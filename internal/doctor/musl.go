package doctor

import (
	"context"
	"path"
	"strings"
)

// musl's rules: ldso/dynlink.c.
type musl struct {
	self *object // the loader is the C library itself
	sys  []string
}

// reserved are the names that musl takes for itself: libc.so.6 as well as libpthread.so.0.
var reserved = []string{"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."}

func newMusl(ctx context.Context, x *examination, interp string, self *object) (*musl, error) {
	m := &musl{self: self, sys: []string{"/lib", "/usr/local/lib", "/usr/lib"}}
	// PREFIX/etc/ld-musl-ARCH.path, for a loader PREFIX/lib/ld-musl-ARCH.so.1.
	arch := strings.TrimSuffix(strings.TrimPrefix(path.Base(interp), "ld-musl-"), ".so.1")
	if _, known := strings.CutPrefix(path.Base(interp), "ld-musl-"); !known {
		arch = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "i386"}[machineName(self.file)]
	}
	list := path.Join(path.Dir(path.Dir(interp)), "etc/ld-musl-"+arch+".path")
	content, there, err := x.text(ctx, list, maxList)
	if there {
		m.sys = muslPath(string(content))
	}
	return m, err
}

// muslPath splits a search path at colons and ends of lines.
func muslPath(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == '\n' })
}

func (m *musl) find(ctx context.Context, l *linker, by *object, name string) (*object, []Evidence, error) {
	s := &search{l: l, by: by, name: name}
	if strings.Contains(name, "/") {
		o, err := s.at(ctx, name)
		return o, s.notes, err
	}
	if rest, ok := strings.CutPrefix(name, "lib"); ok {
		for _, r := range reserved {
			if strings.HasPrefix(rest, r) {
				return m.self, nil, nil
			}
		}
	}
	var lists [][]string
	if !l.secure {
		lists = append(lists, muslPath(l.env["LD_LIBRARY_PATH"]))
	}
	for o := by; o != nil; o = o.by { // inherited, RUNPATH as well
		lists = append(lists, m.runpath(o, l.secure && o.by == nil))
	}
	for _, dirs := range append(lists, m.sys) {
		if o, err := s.in(ctx, dirs); o != nil || err != nil {
			return o, s.notes, err
		}
	}
	return s.nowhere("")
}

// maxList is how long the list of the loader's folders may be.
const maxList = 64 << 10

func (m *musl) home() string {
	if len(m.sys) == 0 {
		return "/usr/lib"
	}
	return m.sys[0]
}

// runpath fills in $ORIGIN; a path with any other variable counts for nothing, nor does one of the
// program with $ORIGIN where that runs with another's rights.
func (m *musl) runpath(o *object, secure bool) []string {
	text := o.dyn.Rpath
	if o.dyn.HasRunpath {
		text = o.dyn.Runpath
	}
	if !secure {
		text = strings.NewReplacer("${ORIGIN}", o.dir, "$ORIGIN", o.dir).Replace(text)
	}
	if strings.Contains(text, "$") {
		return nil
	}
	return muslPath(text)
}
