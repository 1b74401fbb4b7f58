package rebuild

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// merged names the folders that a release with a merged /usr keeps under usr/,
// with a link in the old place: Debian since 12, Ubuntu since 20.04. Their
// packages followed later, one by one; some still say lib/, some usr/lib/.
var merged = []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"}

// dropped are parts of packages that no compiler reads. Without them a third
// less goes to the engine.
var dropped = []string{"usr/share/doc", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/man"}

// layout writes the trees of Debian packages into one tar, in one layout
// whatever the release: that of a merged /usr.
type layout struct {
	out  *tar.Writer
	seen map[string]bool // folders, by their canonical name
}

func newLayout(w io.Writer) (*layout, error) {
	l := &layout{out: tar.NewWriter(w), seen: map[string]bool{}}
	for _, name := range merged {
		if err := l.folder("usr/" + name); err != nil {
			return nil, err
		}
		link := &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: "usr/" + name, Mode: 0o777}
		if err := l.out.WriteHeader(link); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// add appends a package's tree, a tar as `dpkg-deb --fsys-tarfile` writes it.
func (l *layout) add(pkg io.Reader) error {
	for in := tar.NewReader(pkg); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := l.entry(h, in); err != nil {
			return err
		}
	}
}

func (l *layout) entry(h *tar.Header, content io.Reader) error {
	original := path.Clean("/" + h.Name)
	name := canonical(original)
	if name == "" || isDropped(name) {
		return nil
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return l.folder(name)
	case tar.TypeSymlink:
		target := h.Linkname
		if !path.IsAbs(target) { // it was relative to a folder that may have moved
			target = path.Join(path.Dir(original), target)
		}
		target = canonical(path.Clean(target))
		if target == name { // the other layout's way to the same file
			return nil
		}
		h.Linkname = "/" + target
	case tar.TypeLink:
		h.Linkname = canonical(path.Clean("/" + h.Linkname))
	case tar.TypeReg:
	default:
		return fmt.Errorf("%s is neither a file, a folder nor a link", h.Name)
	}
	if err := l.parents(name); err != nil {
		return err
	}
	clean := &tar.Header{Typeflag: h.Typeflag, Name: name, Linkname: h.Linkname, Size: h.Size, Mode: h.Mode, ModTime: h.ModTime}
	if err := l.out.WriteHeader(clean); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	_, err := io.Copy(l.out, content)
	return err
}

// folder writes a folder once, with the folders above it.
func (l *layout) folder(name string) error {
	if l.seen[name] {
		return nil
	}
	if err := l.parents(name); err != nil {
		return err
	}
	l.seen[name] = true
	return l.out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755})
}

func (l *layout) parents(name string) error {
	if above := path.Dir(name); above != "." {
		return l.folder(above)
	}
	return nil
}

func (l *layout) close() error { return l.out.Close() }

// canonical turns an absolute path into its name in the layout: usr/lib/x for
// both /lib/x and /usr/lib/x, and "" for the root and for a merged folder
// itself, which is there already.
func canonical(absolute string) string {
	name := strings.TrimPrefix(absolute, "/")
	first, rest, deeper := strings.Cut(name, "/")
	for _, m := range merged {
		if first != m {
			continue
		}
		if !deeper {
			return ""
		}
		return "usr/" + m + "/" + rest
	}
	return name
}

func isDropped(name string) bool {
	for _, d := range dropped {
		if name == d || strings.HasPrefix(name, d+"/") {
			return true
		}
	}
	return false
}
