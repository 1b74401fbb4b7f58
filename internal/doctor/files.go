package doctor

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// files is the image's file system as the process would see it: links resolve
// inside the image, and the running system's mounts hide what lies under them.
type files struct {
	*image.Budget // of all that is looked at

	img    image.Image
	cwd    string
	made   string // a folder that the start makes, and those on its way
	mounts map[string]bool
}

// open opens a file whose reading is paid from the budget.
func (f *files) open(ctx context.Context, at string) (image.Paid, error) {
	file, err := f.img.Open(ctx, at)
	return image.Paid{File: file, Budget: f.Budget}, err
}

// place is where a path led to.
type place struct {
	image.Entry          // its Path is the physical one
	links       []string // that were followed: "/bin -> usr/bin"
}

// Reasons why a path leads nowhere.
type broken string

const (
	absent   broken = "absent"   // nothing of that name
	dangling broken = "dangling" // a link ends nowhere
	looping  broken = "looping"  // links follow each other for ever (ELOOP)
	through  broken = "through"  // a component is a file (ENOTDIR)
	closed   broken = "closed"   // a folder is closed to this user (EACCES)
	running  broken = "running"  // it is the running system's (/proc, /sys), not the image's
	lacking  broken = "lacking"  // a program is there, and lacks what is asked of it
)

// lookupError says where a way broke off.
type lookupError struct {
	kind broken
	path string // that was looked for, where links lead in a circle
	at   string // where it broke
	link string // the last link that was followed, "/sh -> /busybox"
	dir  image.Entry
	rest []component // what was still to go
}

func (e *lookupError) Error() string {
	return fill(texts().Ends[e.kind], facts{Name: e.path, At: e.at, Link: e.link})
}

// broke is where a way broke off, if that is what an error says.
func broke(err error) (way *lookupError) {
	errors.As(err, &way)
	return way
}

// component is one of a path, still to go, and the link that brought it.
type component struct{ name, link string }

func components(p, link string) []component {
	var all []component
	for name := range strings.FieldsFuncSeq(p, func(r rune) bool { return r == '/' }) {
		all = append(all, component{name, link})
	}
	if strings.HasSuffix(p, "/") {
		all = append(all, component{".", link}) // a trailing slash wants a folder
	}
	return all
}

// resolve follows a path to the end as the kernel does (fs/namei.c): from the
// working folder where it is relative, `..` physically, links inside the image.
// The error is a *lookupError where the way ends; otherwise the image's.
func (f *files) resolve(ctx context.Context, p string, as account) (place, error) {
	here := place{Entry: image.Entry{Path: "/", Mode: fs.ModeDir | 0o755}}
	if p == "" || len(p) >= image.MaxPath {
		return place{}, &lookupError{kind: absent, at: p}
	}
	if err := f.Work(8); err != nil {
		return place{}, err
	}
	todo := components(p, "")
	fail := func(kind broken, at, link string) (place, error) {
		return place{}, &lookupError{kind: kind, path: p, at: at, link: link, dir: here.Entry, rest: todo}
	}
	if !strings.HasPrefix(p, "/") {
		start, err := f.resolve(ctx, f.cwd, root)
		if err != nil {
			return place{}, err
		}
		here.Entry = start.Entry
	}
	followed := 0
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		if !here.Mode.IsDir() {
			if next.link != "" {
				return fail(dangling, here.Path+"/"+next.name, next.link)
			}
			return fail(through, here.Path, "")
		}
		if err := f.Work(int64(1 + strings.Count(here.Path, "/") + len(as.groups)/16)); err != nil {
			return place{}, err
		}
		if !as.mayRun(here.Entry) {
			return fail(closed, here.Path, "")
		}
		if next.name == "." {
			continue
		}
		at := path.Join(here.Path, next.name) // of "..", the folder that holds this one: no link is on the way any more
		e, err := f.lstat(ctx, at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && next.link != "":
			return fail(dangling, at, next.link)
		case errors.Is(err, fs.ErrNotExist):
			return fail(absent, at, "")
		case err != nil:
			return place{}, err
		}
		if !e.IsLink() {
			here.Entry = e
			continue
		}
		link := at + " -> " + e.Link
		if followed++; followed > image.MaxLinks {
			return fail(looping, at, link)
		}
		here.links = append(here.links, link)
		if e.Link == "" {
			return fail(dangling, at, link)
		}
		todo = append(components(e.Link, link), todo...)
		if strings.HasPrefix(e.Link, "/") {
			here.Entry = image.Entry{Path: "/", Mode: fs.ModeDir | 0o755}
		}
	}
	return here, nil
}

// absolute puts a relative path into the working folder, without looking at links.
func (f *files) absolute(p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	return path.Join(f.cwd, p)
}

// look is resolve where it does not count why a way leads nowhere.
func (f *files) look(ctx context.Context, p string, as account) (at place, there bool, err error) {
	if at, err = f.resolve(ctx, p, as); broke(err) != nil {
		return at, false, nil
	}
	return at, err == nil, err
}

// devices are what every runtime puts into /dev (OCI runtime spec, "Default Devices").
var devices = set("/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/console")

// mounts are the folders that a runtime mounts; ofSystem is what lies there by the running system.
var (
	mounts   = set("/ /proc /sys /dev /dev/pts /dev/shm /dev/mqueue")
	ofSystem = set("/dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/core /dev/ptmx")
)

// lstat looks at one place, with what the runtime mounts over the image.
func (f *files) lstat(ctx context.Context, at string) (image.Entry, error) {
	folder := image.Entry{Path: at, Mode: fs.ModeDir | 0o755}
	for mount, empty := range f.mounts {
		switch below := strings.HasPrefix(at, mount+"/"); {
		case at == mount && empty:
			return folder, nil
		case below && empty:
			return image.Entry{}, fs.ErrNotExist
		case below, at == mount:
			return image.Entry{}, hidden(mount)
		}
	}
	switch {
	case mounts[at]:
		return folder, nil
	case strings.HasPrefix(at, "/proc/"), strings.HasPrefix(at, "/sys/"), ofSystem[at]:
		return image.Entry{}, &lookupError{kind: running, at: at}
	case devices[at]:
		return image.Entry{Path: at, Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}, nil
	case strings.HasPrefix(at, "/dev/"), len(path.Base(at)) > 255:
		return image.Entry{}, fs.ErrNotExist
	case at == "/etc/hosts" || at == "/etc/hostname" || at == "/etc/resolv.conf":
		return image.Entry{Path: at, Mode: 0o644}, nil
	}
	e, err := f.img.Lstat(ctx, at)
	if f.made != "" && errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(f.made+"/", at+"/") {
		return folder, nil
	}
	return e, err
}

// beginning is what a file begins with, up to some size.
func (f *files) beginning(ctx context.Context, at string, most int64) ([]byte, error) {
	file, err := f.open(ctx, at)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(file, 0, min(file.Size(), most)))
}
