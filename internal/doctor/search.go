package doctor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
	"optimizing-dockerfile/internal/doctor/image"
)

// musl's rules: ldso/dynlink.c.
type musl struct {
	self *object // the loader is the C library itself
	sys  []string
}

// reserved are the names that musl takes for itself: libc.so.6 as well as libpthread.so.0.
var reserved = regexp.MustCompile(`^lib(c|pthread|rt|m|dl|util|xnet)\.`)

func newMusl(ctx context.Context, x *examination, interp string, self *object) (*musl, error) {
	m := &musl{self: self, sys: []string{"/lib", "/usr/local/lib", "/usr/lib"}}
	// PREFIX/etc/ld-musl-ARCH.path, for a loader PREFIX/lib/ld-musl-ARCH.so.1.
	arch, known := strings.CutPrefix(strings.TrimSuffix(path.Base(interp), ".so.1"), "ld-musl-")
	if !known {
		arch = unames[machineName(self.file)]
	}
	list := path.Join(path.Dir(path.Dir(interp)), "etc/ld-musl-"+arch+".path")
	content, err := x.text(ctx, list, maxList)
	if content != nil {
		m.sys = muslPath(string(content))
	}
	return m, err
}

// muslPath splits a search path at colons and ends of lines.
func muslPath(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == '\n' })
}

func (m *musl) find(ctx context.Context, s *search) (*object, error) {
	if strings.Contains(s.name, "/") {
		return s.at(ctx, s.name)
	}
	if reserved.MatchString(s.name) {
		return m.self, nil
	}
	var dirs []string
	if !s.l.secure {
		dirs = muslPath(s.l.env["LD_LIBRARY_PATH"])
	}
	for o := s.by; o != nil; o = o.by { // inherited, RUNPATH as well
		dirs = append(dirs, m.runpath(o, s.l.secure && o.by == nil)...)
	}
	o, err := s.in(ctx, append(dirs, m.sys...))
	if o == nil && err == nil {
		s.nowhere("")
	}
	return o, err
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

// search is one for a library: where it looked, and what was wrong there.
type search struct {
	l      *linker
	by     *object
	name   string
	notes  []Evidence
	looked []string
	below  func(context.Context, string) ([]string, error) // a folder, behind those below it that come first; may be nil
}

// maxLooked is how many folders are kept of a search, for the evidence.
const maxLooked = 256

// in tries folders in turn.
func (s *search) in(ctx context.Context, dirs []string) (*object, error) {
	for _, dir := range dirs {
		within := []string{dir}
		if s.below != nil {
			var err error
			if within, err = s.below(ctx, dir); err != nil {
				return nil, err
			}
		}
		for _, dir := range within {
			if o, err := s.at(ctx, strings.TrimSuffix(dir, "/")+"/"+s.name); o != nil || err != nil {
				return o, err
			}
		}
		if len(s.looked) < maxLooked {
			s.looked = append(s.looked, dir)
		}
	}
	return nil, nil
}

// at tries one place. Nil without an error: go on searching.
func (s *search) at(ctx context.Context, place string) (*object, error) {
	x, want := s.l.x, s.l.objects[0].file
	at, err := x.files.resolve(ctx, place, x.as)
	if way := broke(err); way != nil {
		if way.kind != absent && len(s.notes) < maxNotes {
			s.notes = append(s.notes, Evidence{"looked for", way.at, way.Error()})
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	useless := func(why, found string, err error) (*object, error) {
		if len(s.notes) < maxNotes || err != nil {
			s.notes = append(s.notes, Evidence{"it is there, and " + why, at.Path, found})
		}
		return nil, err
	}
	if !x.as.mayRead(at.Entry) {
		return useless("this user may not read it", describe(at.Entry), nil)
	}
	if !at.Mode.IsRegular() {
		return useless("is no file", describe(at.Entry), errFatal)
	}
	file, err := x.parse(ctx, at)
	var bad *elf.FormatError
	if errors.As(err, &bad) {
		return useless("is no library", bad.Reason, errFatal)
	}
	if err != nil {
		return nil, err
	}
	if file.Class != want.Class || file.Machine != want.Machine {
		return useless("is for another machine", machineName(file), nil)
	}
	if missing, cut := file.CutOff(); cut {
		return useless("is cut off", fmt.Sprintf("%d bytes are missing", missing), errFatal)
	}
	dyn, err := file.Dynamic()
	if fault := imageFault(err); fault != nil {
		return nil, fault
	}
	if err != nil || dyn == nil {
		return useless("has no dynamic section that makes sense", fmt.Sprint(err), errFatal)
	}
	return &object{name: s.name, path: at.Path, dir: path.Dir(x.files.absolute(place)), file: file, dyn: dyn, by: s.by}, nil
}

// maxNotes is how many places are, where something was of no use.
const maxNotes = 16

// nowhere tells where it looked, if nothing else is to be told.
func (s *search) nowhere(and string) {
	if len(s.notes) == 0 {
		s.notes = []Evidence{{"looked for in " + strings.Join(s.looked, ", ") + and, s.name, "not there"}}
	}
}

// text is what a file holds that configures a loader: nil where it is not there, nothing where this user may not read it.
func (x *examination) text(ctx context.Context, name string, most int64) ([]byte, error) {
	at, there, err := x.files.look(ctx, name, x.as)
	switch {
	case !there:
		return nil, err
	case !at.Mode.IsRegular() || !x.as.mayRead(at.Entry):
		return []byte{}, nil
	case at.Size > most:
		return []byte{}, image.ErrTooLarge
	}
	return x.files.beginning(ctx, at.Path, most)
}
