package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// Bounds on an archive of images.
const (
	maxStored   = 1 << 17 // entries; a `docker save` of many images has some thousands
	maxDocument = 8 << 20 // bytes of a manifest or config
	maxLayers   = 512     // engines allow 127
)

// store holds blobs by name: a tarball's entries, or a folder's files.
type store interface {
	open(name string) (io.ReadCloser, int64, error)
	has(name string) bool
}

// folder is an OCI layout.
type layoutFolder struct{ root *os.Root }

func (f layoutFolder) has(name string) bool {
	info, err := f.root.Stat(filepath.FromSlash(name))
	return err == nil && info.Mode().IsRegular()
}

// open stays inside the folder, whatever the name and the links say (os.Root).
func (f layoutFolder) open(name string) (io.ReadCloser, int64, error) {
	info, err := f.root.Stat(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() { // a pipe or a device would wait for ever
		return nil, 0, fmt.Errorf("%s is not a regular file", name)
	}
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// tarball is an uncompressed tar of blobs, whose places were noted at once.
type tarball struct {
	file  *os.File
	blobs map[string]place
}

type place struct {
	offset, size int64
	link         string // another entry's name
}

func openTarball(file *os.File) (*tarball, error) {
	t := &tarball{file: file, blobs: map[string]place{}}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(file) // which seeks over contents
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
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := file.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			if h.Size > info.Size()-at {
				return nil, fmt.Errorf("it is cut off in %s", name)
			}
			t.blobs[name] = place{offset: at, size: h.Size}
		case tar.TypeSymlink: // older dockers save a layer once, and link to it
			t.blobs[name] = place{link: path.Join(path.Dir(name), h.Linkname)}
		case tar.TypeLink:
			t.blobs[name] = place{link: path.Clean(h.Linkname)}
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

func (t *tarball) open(name string) (io.ReadCloser, int64, error) {
	at, err := t.find(name)
	if err != nil {
		return nil, 0, err
	}
	return io.NopCloser(io.NewSectionReader(t.file, at.offset, at.size)), at.size, nil
}

// document reads a manifest or config whole.
func document(s store, name string) ([]byte, error) {
	r, size, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > maxDocument {
		return nil, fmt.Errorf("%s has %d bytes, which no manifest or config has", name, size)
	}
	return io.ReadAll(io.LimitReader(r, maxDocument))
}

// unpack undoes a layer's compression, told by its first bytes. What blows up
// without end is refused.
func unpack(ctx context.Context, r io.Reader) (io.Reader, func(), error) {
	in := &counted{ctx: ctx, r: r}
	buffered := bufio.NewReaderSize(in, 64<<10)
	head, err := buffered.Peek(6)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	stop := func() {}
	var out io.Reader = buffered
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		if out, err = gzip.NewReader(buffered); err != nil {
			return nil, nil, err
		}
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		out, stop = d, d.Close
	case bytes.HasPrefix(head, []byte("BZh")):
		out = bzip2.NewReader(buffered)
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return nil, nil, errors.New("it is compressed with xz, which the doctor does not read")
	}
	return &inflated{in: in, r: out}, stop, nil
}

type counted struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (c *counted) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, c.ctx.Err()
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// inflated refuses what grows more than two hundredfold, beyond a gigabyte: no
// layer of programs does, an archive bomb must.
type inflated struct {
	in *counted
	r  io.Reader
	n  int64
}

func (i *inflated) Read(p []byte) (int, error) {
	if i.in.ctx.Err() != nil {
		return 0, i.in.ctx.Err()
	}
	n, err := i.r.Read(p)
	i.n += int64(n)
	if i.n > 1<<30 && i.n/200 > i.in.n {
		return n, errors.New("it unpacks to over two hundred times its size: refused as an archive bomb")
	}
	return n, err
}
