package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
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

// MaxDocument is how many bytes a manifest or a config may have.
const MaxDocument = 8 << 20

// Bounds on an archive of images.
const (
	maxStored = 1 << 17 // entries; a `docker save` of many images has some thousands
	maxValues = 1 << 17 // in one of them; a byte of JSON can become a hundred in memory
	maxLayers = 512     // engines allow 127
)

// store holds blobs by name: a tarball's entries, a folder's files, a registry's.
type store struct {
	budget *Budget
	open   func(name string) (io.ReadCloser, error)
}

// layoutFolder is an OCI layout. Whatever a name and the links say, what is opened is inside the folder (os.Root).
func layoutFolder(root *os.Root, b *Budget) store {
	opened := map[string]bool{}
	return store{b, func(name string) (io.ReadCloser, error) {
		info, err := root.Stat(filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() { // a pipe or a device would wait for ever
			return nil, fmt.Errorf("%s is not a regular file", name)
		}
		if !opened[name] { // what is named twice is there once
			opened[name] = true
			b.unpacked += perByte * info.Size()
		}
		return root.Open(filepath.FromSlash(name))
	}}
}

// place is where a blob lies in a tarball.
type place struct {
	offset, size int64
	link         string // another entry's name
}

// tarball is an uncompressed tar of blobs, whose places are noted at once.
func tarball(file *os.File, b *Budget) (store, error) {
	info, err := file.Stat()
	if err != nil {
		return store{}, err
	}
	places, entries := map[string]place{}, 0
	reader := io.NewSectionReader(file, 0, info.Size()) // the walk seeks over contents
	err = b.Walk(reader, func(h *tar.Header, _ io.Reader) error {
		if entries++; entries > maxStored {
			return fmt.Errorf("it has over %d entries, which no archive of images has", maxStored)
		}
		name := strings.Clone(path.Clean(h.Name)) // both may be parts of a megabyte
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := reader.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			if h.Size > info.Size()-at {
				return fmt.Errorf("it is cut off in %s", name)
			}
			places[name] = place{offset: at, size: h.Size}
		case tar.TypeSymlink: // older dockers save a layer once, and link to it
			places[name] = place{link: strings.Clone(path.Join(path.Dir(name), h.Linkname))}
		case tar.TypeLink:
			places[name] = place{link: strings.Clone(h.Linkname)}
		}
		return b.Keep(int64(costOfNode + len(h.Name) + len(h.Linkname)))
	})
	return store{b, func(name string) (io.ReadCloser, error) {
		for range 8 {
			at, ok := places[path.Clean(name)]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			if at.link == "" {
				return io.NopCloser(io.NewSectionReader(file, at.offset, at.size)), nil
			}
			name = at.link
		}
		return nil, fmt.Errorf("the links to %s lead in a circle", name)
	}}, err
}

// document reads a manifest or config whole.
func (s store) document(name string) ([]byte, error) {
	r, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxDocument {
		return nil, fmt.Errorf("%s has over %d bytes, which no manifest or config has", name, MaxDocument)
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
	return m == nil || m[1] == fmt.Sprintf("%x", sum)
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

// unpack undoes a layer's compression, and draws what is read from the image's budget: no image of programs needs more
// than that, an archive bomb must.
func unpack(b *Budget, r io.Reader) (io.Reader, error) {
	packed := &metered{b, r, costOfPacked}
	buffered := bufio.NewReaderSize(packed, 64<<10)
	head, err := buffered.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	err = nil
	out := &metered{b, buffered, 1}
	switch packing(head) {
	case "gzip":
		out.Reader, err = gzip.NewReader(buffered)
	case "zstd": // one that does one block after the other has nothing to close
		out.Reader, err = zstd.NewReader(buffered,
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20), zstd.WithDecoderLowmem(true))
	case "bzip2":
		out = &metered{b, bzip2.NewReader(buffered), 4} // it takes so much longer
	case "xz":
		err = errors.New("it is compressed with xz, which the doctor does not read")
	default:
		packed.cost = 0
	}
	return out, err
}

// Unpacked draws what a decompressor gives from the budget.
func (b *Budget) Unpacked(r io.Reader) io.Reader { return &metered{b, r, 1} }

type metered struct {
	budget *Budget
	io.Reader
	cost int64 // of a byte
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if over := m.budget.unpack(int64(n) * m.cost); over != nil {
		return 0, over
	}
	return n, err
}
