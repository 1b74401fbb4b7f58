package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Bounds on an archive of images.
const (
	maxStored   = 1 << 17 // entries; a `docker save` of many images has some thousands
	maxDocument = 8 << 20 // bytes of a manifest or config
	maxValues   = 1 << 17 // in one of them; a byte of JSON can become a hundred in memory
	maxLayers   = 512     // engines allow 127
)

// store holds blobs by name: a tarball's entries, or a folder's files.
type store interface {
	open(name string) (io.ReadCloser, error)
	limits() *Budget
}

// layoutFolder is an OCI layout.
type layoutFolder struct {
	root   *os.Root
	budget *Budget
	opened map[string]bool
}

func (f layoutFolder) limits() *Budget { return f.budget }

// open stays inside the folder, whatever the name and the links say (os.Root).
func (f layoutFolder) open(name string) (io.ReadCloser, error) {
	info, err := f.root.Stat(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe or a device would wait for ever
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	if !f.opened[name] { // what is named twice is there once
		f.opened[name] = true
		f.budget.unpacked += perByte * info.Size()
	}
	return f.root.Open(filepath.FromSlash(name))
}

// tarball is an uncompressed tar of blobs, whose places were noted at once.
type tarball struct {
	file   *os.File
	blobs  map[string]place
	budget *Budget
}

func (t *tarball) limits() *Budget { return t.budget }

type place struct {
	offset, size int64
	link         string // another entry's name
}

func openTarball(file *os.File, b *Budget) (*tarball, error) {
	t := &tarball{file: file, blobs: map[string]place{}, budget: b}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	reader := io.NewSectionReader(file, 0, info.Size())
	archive := tar.NewReader(reader) // which seeks over contents
	for n := 0; ; n++ {
		h, err := archive.Next()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is no whole tar: %w", err)
		}
		if n >= maxStored {
			return nil, fmt.Errorf("it has over %d entries, which no archive of images has", maxStored)
		}
		if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
			return nil, fmt.Errorf("it has a path of over %d bytes", maxPath)
		}
		if err := errors.Join(b.Keep(int64(costOfNode+len(h.Name)+len(h.Linkname))), b.Work(16)); err != nil {
			return nil, err
		}
		name := strings.Clone(path.Clean(h.Name)) // both may be parts of a megabyte
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := reader.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			if h.Size > info.Size()-at {
				return nil, fmt.Errorf("it is cut off in %s", name)
			}
			t.blobs[name] = place{offset: at, size: h.Size}
		case tar.TypeSymlink: // older dockers save a layer once, and link to it
			t.blobs[name] = place{link: strings.Clone(path.Join(path.Dir(name), h.Linkname))}
		case tar.TypeLink:
			t.blobs[name] = place{link: strings.Clone(path.Clean(h.Linkname))}
		}
	}
}

func (t *tarball) find(name string) (place, error) {
	name = path.Clean(name)
	for range 8 {
		at, ok := t.blobs[name]
		if !ok {
			return place{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if at.link == "" {
			return at, nil
		}
		name = at.link
	}
	return place{}, fmt.Errorf("the links to %s lead in a circle", name)
}

func (t *tarball) has(name string) bool {
	_, err := t.find(name)
	return err == nil
}

func (t *tarball) open(name string) (io.ReadCloser, error) {
	at, err := t.find(name)
	return io.NopCloser(io.NewSectionReader(t.file, at.offset, at.size)), err
}

// document reads a manifest or config whole.
func document(s store, name string) ([]byte, error) {
	r, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s has over %d bytes, which no manifest or config has", name, maxDocument)
	}
	if sum := sha256.Sum256(text); !digestNamed(name, sum[:]) {
		return nil, fmt.Errorf("it is damaged: %s is not what its name says", name)
	}
	return text, listsTooMuch(text)
}

func listsTooMuch(document []byte) error {
	if bytes.Count(document, []byte(",")) > maxValues {
		return errors.New("a manifest or config of it lists more than any does")
	}
	return nil
}

// digestName is a blob's or a config's name that says what is in it.
var digestName = regexp.MustCompile(`^(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.json)?$`)

// digestNamed reports whether a name agrees with a SHA-256. Most names say nothing of it.
func digestNamed(name string, sum []byte) bool {
	m := digestName.FindStringSubmatch(name)
	return m == nil || m[1] == hex.EncodeToString(sum)
}

// packing tells what has compressed bytes, by the first six of them; "" nothing.
func packing(head []byte) string {
	for magic, by := range map[string]string{"\x1f\x8b": "gzip", "\x28\xb5\x2f\xfd": "zstd", "BZh": "bzip2", "\xfd7zXZ\x00": "xz"} {
		if strings.HasPrefix(string(head), magic) {
			return by
		}
	}
	if len(head) > 3 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18" { // pzstd begins so
		return "zstd"
	}
	return ""
}

// unpack undoes a layer's compression. What blows up without end is refused.
func unpack(b *Budget, r io.Reader) (io.Reader, func(), error) {
	packed := &metered{b, r, costOfPacked}
	buffered := bufio.NewReaderSize(packed, 64<<10)
	head, err := buffered.Peek(6)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	out, stop, cost := io.Reader(buffered), func() {}, int64(1)
	switch packing(head) {
	case "gzip":
		if out, err = gzip.NewReader(buffered); err != nil {
			return nil, nil, err
		}
	case "zstd":
		d, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		out, stop = d, d.Close
	case "bzip2":
		out, cost = bzip2.NewReader(buffered), 4 // it takes so much longer
	case "xz":
		return nil, nil, errors.New("it is compressed with xz, which the doctor does not read")
	default:
		packed.cost = 0
	}
	return &metered{b, out, cost}, stop, nil
}

// Unpacked draws what a decompressor gives from the budget.
func (b *Budget) Unpacked(r io.Reader) io.Reader { return &metered{b, r, 1} }

// metered draws what is read from the image's budget: no image of programs needs more than
// that, an archive bomb must.
type metered struct {
	budget *Budget
	r      io.Reader
	cost   int64 // of a byte
}

func (m *metered) Read(p []byte) (int, error) {
	if err := m.budget.unpack(0); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	if over := m.budget.unpack(int64(n) * m.cost); over != nil {
		return 0, over
	}
	return n, err
}
