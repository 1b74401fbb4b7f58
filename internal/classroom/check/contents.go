package check

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
)

// file is what an image holds at a path, as far as the goals ask for it.
type file struct {
	image.Entry
	elf       bool // an ELF program or library
	golang    bool // compiled by Go
	toolchain bool // one of Go's own commands, whatever it is called here
	shell     bool // busybox or toybox, whatever it is called here
	source    bool // a copy of a source file of the learner's folder
}

// contents are an image's files, by path.
type contents map[string]*file

// maxText is how much of a file of the learner's folder is read.
const maxText = 1 << 20

// What tells programs apart that may bear any name.
var (
	markGo        = []byte("\xff Go buildinf:")
	markToolchain = []byte("path\tcmd/")        // what Go 1.18 and later write into their own commands
	markRelease   = []byte("local/go/src/cmd/") // where older releases were compiled
	markBusybox   = []byte("BusyBox v1.")
	markToybox    = []byte("toybox multicall")
)

// read goes through all files of an image. known are the sources of the learner's folder.
func read(ctx context.Context, img image.Image, known map[[32]byte]bool) (contents, error) {
	all := contents{}
	for entry := range img.(image.Lister).Walk() {
		f := &file{Entry: entry}
		all[entry.Path] = f
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		if !entry.Mode.IsRegular() || entry.Size == 0 {
			continue
		}
		content, err := img.Open(ctx, entry.Path)
		if err != nil {
			return all, err
		}
		if entry.Size < maxText && entry.Mode&0o111 == 0 {
			text, err := io.ReadAll(io.NewSectionReader(content, 0, entry.Size))
			if err == nil {
				f.source = known[sha256.Sum256(text)]
			}
		} else {
			err = f.scan(content)
		}
		if err != nil && !errors.Is(err, image.ErrTooLarge) { // that is too long for a source, or an account file
			return all, err
		}
	}
	return all, nil
}

// scan looks into a program, a piece at a time.
func (f *file) scan(content io.ReaderAt) error {
	const step, overlap = 256 << 10, 64
	piece := make([]byte, step+overlap)
	for at := int64(0); ; at += step {
		n, err := content.ReadAt(piece, at)
		has := func(mark []byte) bool { return bytes.Contains(piece[:n], mark) }
		if at == 0 {
			f.elf = bytes.HasPrefix(piece[:n], []byte("\x7fELF"))
		}
		if !f.elf {
			return nil
		}
		f.golang = f.golang || has(markGo)
		f.toolchain = f.toolchain || has(markToolchain) || has(markRelease)
		f.shell = f.shell || has(markBusybox) || has(markToybox)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// resolve follows links to what lies at a path; nil where nothing does.
func (c contents) resolve(name string) *file {
	name = path.Clean("/" + name)
	for range 40 {
		way := append(image.Above(name), name) // the folders first
		i := slices.IndexFunc(way, func(at string) bool { return c[at] != nil && c[at].IsLink() })
		if i < 0 {
			return c[name]
		}
		target := c[way[i]].Link
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(way[i]), target)
		}
		name = path.Join(target, name[len(way[i]):])
	}
	return nil
}

func (c contents) inOrder() []*file {
	return slices.SortedFunc(maps.Values(c), func(a, b *file) int { return strings.Compare(a.Path, b.Path) })
}

// program finds the binary that the image is there for, whether it starts or not:
// the largest program that its command names, be it inside of a shell form or as a
// name on PATH; else the largest that Go has compiled.
func (c contents) program(command []string, dir string) (best *file) {
	var called []string // bare names
	named := map[*file]bool{}
	for _, argument := range command {
		for _, word := range strings.FieldsFunc(argument, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()'\"", r) }) {
			if path.IsAbs(word) {
				named[c.resolve(word)] = true
				continue
			}
			named[c.resolve(path.Join("/", dir, word))] = true
			called = append(called, word)
		}
	}
	largest := func(fits func(f *file) bool) {
		for _, f := range c.inOrder() {
			if f.elf && !f.shell && !f.toolchain && fits(f) && (best == nil || f.Size > best.Size) {
				best = f
			}
		}
	}
	largest(func(f *file) bool { return named[f] || slices.Contains(called, path.Base(f.Path)) })
	if best == nil {
		largest(func(f *file) bool { return f.golang })
	}
	return best
}

// sourcesIn gives what a build context holds of a program's sources, by content.
func sourcesIn(ctx context.Context, dir string) map[[32]byte]bool {
	found := map[[32]byte]bool{}
	filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !facts.Extra["sources"].MatchString(entry.Name()) {
			return ctx.Err()
		}
		if text, err := readText(at); err == nil && len(text) > 0 {
			found[sha256.Sum256(text)] = true
		}
		return ctx.Err()
	})
	return found
}

// readText reads a file of less than a megabyte. A pipe or a device would have no end.
func readText(at string) ([]byte, error) {
	info, err := os.Stat(at)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() >= maxText {
		return nil, fmt.Errorf("%s is no regular file of less than %d bytes: it is not read", at, maxText)
	}
	return os.ReadFile(at)
}
