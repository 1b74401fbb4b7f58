package bundle

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/engine"
)

// Bundle is a file that was checked from the first byte to the last.
type Bundle struct {
	Manifest
	Path string
	Sum  string // SHA-256 of the whole file, hexadecimal
	Size int64

	file  *os.File
	files []File
}

// Close closes the file.
func (b *Bundle) Close() error { return b.file.Close() }

// whole is the bundle itself, as a file.
func (b *Bundle) whole() File {
	return File{Name: "bundle.tar", content: io.NewSectionReader(b.file, 0, b.Size), sum: b.Sum}
}

// named gives the file of a name that is there.
func (b *Bundle) named(name string) File {
	return b.files[slices.IndexFunc(b.files, func(f File) bool { return f.Name == name })]
}

// ErrDamaged is what is wrong with a file that is not what `bundle` wrote.
var ErrDamaged = errors.New("is damaged, or no bundle")

// Open opens a bundle and checks all of it. The error is an ErrDamaged where the
// file can be read and is not what `bundle` wrote, down to the last byte.
func Open(file string) (*Bundle, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // seen before it is opened: a pipe would wait for a writer
		return nil, fmt.Errorf("%s %w: it is not a regular file", file, ErrDamaged)
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Path: file, Size: info.Size(), file: in}
	if err = b.read(); err == nil {
		return b, nil
	}
	in.Close()
	if trouble := new(os.PathError); errors.As(err, &trouble) { // a disk that cannot be read
		return nil, err
	}
	return nil, fmt.Errorf("%s %w: %w", file, ErrDamaged, err)
}

// mostFiles is more than any bundle has: a file that is none must not fill the memory.
const mostFiles = 10_000

// maxManifest is how large bundle.json may be: bytes.
const maxManifest = 1 << 20

// read learns what the file holds. It is right if what it holds, written again, is the same file.
func (b *Bundle) read() error {
	var found []File
	for archive := tar.NewReader(b.file); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) || err != nil && len(found) == 0 {
			break
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("it is cut off")
		}
		if err != nil {
			return err
		}
		at, err := b.file.Seek(0, io.SeekCurrent) // the archive's reader reads nothing ahead
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(h.Name, Folder+"/")
		found = append(found, File{Name: name, Program: h.Mode&0o100 != 0, content: io.NewSectionReader(b.file, at, h.Size)})
		if len(found) == mostFiles {
			return errors.New("it holds too many files")
		}
	}
	if len(found) < 2 || found[0].Name != sums || found[1].Name != manifest {
		return fmt.Errorf("it does not begin with %s/%s", Folder, sums)
	}
	if found[1].content.Size() > maxManifest {
		return fmt.Errorf("%s is larger than that of any bundle", manifest)
	}
	if err := json.NewDecoder(found[1].reader()).Decode(&b.Manifest); err != nil {
		return fmt.Errorf("%s: %w", manifest, err)
	}
	if b.Kind != "bundle" || b.Schema != 1 {
		return fmt.Errorf("it is a %s of schema %d; this tool knows a bundle of schema 1", b.Kind, b.Schema)
	}
	var err error
	if b.files, err = sealed(b.Manifest, found[2:]); err != nil {
		return err
	}
	if b.Sum, err = b.whole().digest(); err != nil {
		return err
	}
	again := sha256.New()
	if err := write(again, b.files); err != nil {
		return err
	}
	if b.Sum != fmt.Sprintf("%x", again.Sum(nil)) {
		return fmt.Errorf("it is not as it was written, or not what %s says", sums)
	}
	return b.understood()
}

// What a manifest says goes into scripts, onto screens and to the engine.
var (
	kind = regexp.MustCompile(`^[a-z0-9]+$`)
	own  = regexp.MustCompile(`^` + engine.Repository + `/[a-z0-9._/-]+:[A-Za-z0-9._-]+$`)
)

// understood says whether the manifest says nothing but what `bundle` writes.
func (b *Bundle) understood() error {
	var named []string
	for _, t := range b.Tools {
		if !kind.MatchString(t.OS) || !kind.MatchString(t.Arch) || t.File != toolFile(t.OS, t.Arch) {
			return fmt.Errorf("%s has a tool that is none: %q for %q on %q", manifest, t.File, t.OS, t.Arch)
		}
		named = append(named, t.File)
	}
	for _, base := range b.Bases {
		if !kind.MatchString(base.Arch) || base.File != imageFile(base.ID, base.Arch) || !own.MatchString(base.Image) {
			return fmt.Errorf("%s has a base that is none of ours: %q as %q for %q", manifest, base.File, base.Image, base.Arch)
		}
		named = append(named, base.File)
	}
	left := map[string]bool{} // the files that are there and were not named yet
	for _, f := range b.files {
		left[f.Name] = true
	}
	for _, name := range named {
		if !left[name] {
			return fmt.Errorf("%s names %s, which is not there, or twice", manifest, name)
		}
		delete(left, name)
	}
	return nil
}
