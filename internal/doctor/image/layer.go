package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
)

// Whiteouts say in a layer what it takes away from those below
// (OCI image spec, layer.md).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// covering is what a layer takes away from those below.
type covering int

const (
	itself covering = 1 << iota
	allBelow
)

// covered says whether a layer lets nothing of those below be seen at a path.
func (k *Files) covered(name string) bool {
	if k.covers[name]&itself != 0 || k.covers["/"]&allBelow != 0 && name != "/" {
		return true
	}
	for _, up := range Above(name) {
		if k.covers[up] != 0 {
			return true
		}
		if n := k.find(up); n != nil && !n.isDir() {
			return true
		}
	}
	return false
}

// Apply lays a layer over what is there.
func (k *Files) Apply(number int, r io.Reader) error {
	layer, err := k.read(r)
	if err != nil {
		return err
	}
	return k.lay(layer, number)
}

// Add places the first entry of a tar at a path; of a folder also those that follow, up to so many bytes. It gives
// the paths of all, and whether the folder is there whole.
func (k *Files) Add(r io.Reader, at string, most int64) (added []string, whole bool, err error) {
	archive := tar.NewReader(r)
	h, err := archive.Next()
	if err != nil {
		return nil, false, err
	}
	for base := strings.TrimSuffix(h.Name, "/"); err == nil && most >= 0; {
		h.Name = at + strings.TrimPrefix(h.Name, base)
		if h.Typeflag == tar.TypeLink {
			h.Linkname = at + strings.TrimPrefix(h.Linkname, base)
		}
		if err = k.take(h, archive); err != nil {
			break
		}
		if added = append(added, path.Clean(h.Name)); len(added) == 1 && h.Typeflag != tar.TypeDir {
			break
		}
		if h, err = archive.Next(); err == nil {
			most -= 512 + int64(len(h.Name)+len(h.Linkname)) + h.Size
		}
	}
	if len(added) == 0 {
		return nil, false, err
	}
	return added, err == io.EOF, nil // what is left of a folder is asked for by itself
}

// read reads a layer by itself: what it brings, and what it takes away.
func (k *Files) read(r io.Reader) (*Files, error) {
	layer := NewFiles(k.budget)
	layer.spool = k.spool
	return layer, k.budget.Walk(r, layer.take)
}

// take adds a tar's entry to a layer.
func (k *Files) take(h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := k.through(Clean(h.Name))
	if err != nil {
		return err
	}
	switch base := path.Base(name); {
	case base == opaque:
		return k.cover(path.Dir(name), allBelow)
	case strings.HasPrefix(base, whiteout):
		return k.cover(path.Join(path.Dir(name), base[len(whiteout):]), itself)
	}
	e := entryOf(h)
	if h.Typeflag == tar.TypeLink {
		to, err := k.through(Clean(h.Linkname))
		if err != nil {
			return err
		}
		first := k.find(to)
		if first == nil || first.isDir() { // some engines refuse it, others take a lower layer's file
			return fmt.Errorf("%s is a hard link to %s, which is no file of the layer", name, to)
		}
		// The link's own header counts for the file, whatever name it goes by (moby's createTarFile).
		first.entry.Mode = first.entry.Mode&^modeBits | e.Mode&modeBits
		first.entry.UID, first.entry.GID = e.UID, e.GID
		return k.put(name, &node{inode: first.inode})
	}
	n := &node{inode: &inode{entry: e}}
	if e.Mode.IsRegular() {
		k.Bytes += h.Size
		holes := h.Typeflag == tar.TypeGNUSparse
		for record := range h.PAXRecords {
			holes = holes || strings.HasPrefix(record, "GNU.sparse.")
		}
		if n.content, err = k.spool.keep(content, name, h.Size, holes); err != nil {
			return fmt.Errorf("%s cannot be read: %w", name, err)
		}
	}
	return k.put(name, n)
}

func (k *Files) cover(name string, how covering) error {
	k.covers[strings.Clone(name)] |= how
	return k.budget.Keep(int64(costOfGone + len(name)))
}

// lay lays a layer over what is there, and takes its files. What it takes away is what those below brought,
// never its own, in whatever order they stand in it.
func (k *Files) lay(layer *Files, number int) error {
	k.Bytes += layer.Bytes
	for _, name := range slices.Sorted(maps.Keys(layer.covers)) {
		n, how := k.find(name), layer.covers[name]
		if n == nil {
			continue
		}
		if how&itself != 0 && name != "/" {
			delete(k.find(path.Dir(name)).children, path.Base(name))
			if err := k.hide(name, n, number); err != nil {
				return err
			}
		} else if how&allBelow != 0 {
			for child, c := range n.children {
				if err := k.hide(path.Join(name, child), c, number); err != nil {
					return err
				}
			}
			n.children = nil
		}
	}
	return k.merge("/", k.root, layer.root, number)
}

// merge lays a folder over another one.
func (k *Files) merge(at string, below, folder *node, layer int) error {
	if !folder.implied {
		below.inode, below.implied = folder.inode, false
	}
	if below.children == nil {
		below.children = folder.children
		return nil
	}
	for name, n := range folder.children {
		var err error
		old := below.children[name]
		if old != nil && old.isDir() && n.isDir() {
			err = k.merge(path.Join(at, name), old, n, layer)
		} else {
			if old != nil {
				err = k.hide(path.Join(at, name), old, layer)
			}
			below.children[name] = n
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// LayerSizes reads a `docker save` as it streams by and notes of each layer in it its size, by its digest,
// uncompressed: the bytes of its regular files, hard links once. Nothing is kept. What is no layer, such as
// a manifest, is passed over.
func LayerSizes(ctx context.Context, saved io.Reader, sizes map[string]int64) error {
	budget := &Budget{ctx: ctx, unpacked: math.MaxInt64, work: math.MaxInt64} // the engine's own, whatever its size
	err := budget.Walk(saved, func(_ *tar.Header, stored io.Reader) error {
		plain, err := unpack(budget, stored)
		if err != nil {
			return err
		}
		sum, bytes := sha256.New(), int64(0)
		whole := io.TeeReader(plain, sum)
		err = budget.Walk(whole, func(h *tar.Header, _ io.Reader) error {
			if h.Typeflag == tar.TypeReg { // a hard link has no bytes of its own
				bytes += h.Size
			}
			return nil
		})
		if err == nil {
			_, err = io.Copy(io.Discard, whole) // the padding counts for the digest
		}
		switch {
		case err == nil:
			sizes[fmt.Sprintf("sha256:%x", sum.Sum(nil))] = bytes
		case !errors.Is(err, tar.ErrHeader) && !errors.Is(err, io.ErrUnexpectedEOF): // those are of what is no tar
			return err
		}
		return nil
	})
	if err == nil {
		_, err = io.Copy(io.Discard, saved) // or the engine complains of a broken pipe
	}
	return err
}
