package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Whiteouts say in a layer what it takes away from those below
// (OCI image spec, layer.md).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// apply lays a layer over what is there. A whiteout takes away what the layers
// below brought, never what its own layer brings, in whatever order they stand.
func (k *Files) Apply(ctx context.Context, layer int, r io.Reader) error {
	archive := tar.NewReader(r)
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, errBomb) {
			return err
		}
		if err != nil {
			return fmt.Errorf("layer %d is no whole tar: %w", layer, err)
		}
		if err := k.budget.Work(8 + int64(strings.Count(h.Name, "/")+strings.Count(h.Linkname, "/"))); err != nil {
			return err
		}
		if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
			return fmt.Errorf("layer %d has a path of over %d bytes", layer, maxPath)
		}
		name, err := k.through(Clean(h.Name), layer)
		if err != nil {
			return err
		}
		switch base := path.Base(name); {
		case base == opaque:
			if err := k.takeAway(path.Dir(name), allBelow, layer); err != nil {
				return err
			}
			continue
		case strings.HasPrefix(base, whiteout):
			if err := k.takeAway(path.Join(path.Dir(name), base[len(whiteout):]), itself, layer); err != nil {
				return err
			}
			continue
		}
		n, err := k.node(archive, h, name, layer)
		if err != nil {
			return err
		}
		if n == nil {
			continue
		}
		n.layer = layer
		if err := k.put(name, n); err != nil {
			return err
		}
	}
}

// node makes a node of a tar's entry; nil where that makes none.
func (k *Files) node(archive *tar.Reader, h *tar.Header, name string, layer int) (*node, error) {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil, nil
	case tar.TypeLink:
		to, err := k.through(Clean(h.Linkname), layer)
		if err != nil {
			return nil, err
		}
		first := k.find(to)
		if first == nil || first.isDir() {
			return nil, nil // an engine would refuse the layer
		}
		// The link's own header counts for the file, whatever name it goes by (moby's createTarFile).
		e := EntryOf(h)
		first.entry.Mode = first.entry.Mode&^modeBits | e.Mode&modeBits
		first.entry.UID, first.entry.GID = e.UID, e.GID
		return &node{inode: first.inode}, nil
	}
	n := &node{inode: &inode{entry: EntryOf(h)}}
	if n.entry.Mode.IsRegular() {
		k.bytes += h.Size
		holes := h.Typeflag == tar.TypeGNUSparse
		for record := range h.PAXRecords {
			holes = holes || strings.HasPrefix(record, "GNU.sparse.")
		}
		var err error
		if n.content, err = k.spool.Keep(archive, name, h.Size, holes); err != nil {
			return nil, fmt.Errorf("%s is cut off: %w", name, err)
		}
	}
	return n, nil
}

// takeAway takes away what lower layers have, at a path or in the folder there; what this one put there stays.
func (k *Files) takeAway(name string, how covering, layer int) error {
	if k.covers != nil {
		k.covers[strings.Clone(name)] |= how
		if err := k.budget.Keep(int64(costOfGone + len(name))); err != nil {
			return err
		}
	}
	n := k.find(name)
	switch {
	case n == nil || how == itself && name == "/":
		return nil
	case how&itself != 0 && name != "/" && n.layer < layer:
		delete(k.find(path.Dir(name)).children, path.Base(name))
		return k.hide(name, n, layer)
	}
	type at struct {
		path string
		*node
	}
	stack := []at{{name, n}}
	for len(stack) > 0 {
		d := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if d.cleared == layer || !d.isDir() {
			continue // once is enough, however often the layer says it
		}
		d.cleared = layer
		for name, child := range d.children {
			if child.layer >= layer {
				stack = append(stack, at{path.Join(d.path, name), child})
				continue
			}
			if err := k.hide(path.Join(d.path, name), child, layer); err != nil {
				return err
			}
			delete(d.children, name)
		}
	}
	return nil
}

// LayerSizes reads a `docker save` as it streams by and notes of each layer in it its size, by its digest,
// uncompressed: the bytes of its regular files, hard links once. Nothing is kept. What is no layer, such as
// a manifest, is passed over.
func LayerSizes(ctx context.Context, saved io.Reader, sizes map[string]int64) error {
	budget := NewBudget(ctx, 1<<40) // the engine's own, whatever its size
	for archive := tar.NewReader(saved); ; {
		_, err := archive.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, saved) // or the engine complains of a broken pipe
			return err
		}
		if err != nil {
			return err
		}
		plain, stop, err := unpack(budget, archive)
		if err != nil {
			return err
		}
		sum := sha256.New()
		whole := io.TeeReader(plain, sum)
		bytes, err := regularBytes(whole)
		if err == nil {
			_, err = io.Copy(io.Discard, whole) // the padding counts for the digest
		}
		stop()
		switch {
		case err == nil:
			sizes["sha256:"+hex.EncodeToString(sum.Sum(nil))] = bytes
		case !errors.Is(err, tar.ErrHeader) && !errors.Is(err, io.ErrUnexpectedEOF): // those are of what is no tar
			return err
		}
	}
}

// regularBytes adds up the regular files of a layer's tar. A hard link has no bytes of its own there.
func regularBytes(layer io.Reader) (sum int64, err error) {
	for archive := tar.NewReader(layer); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return 0, err
		}
		if h.Typeflag == tar.TypeReg {
			sum += h.Size
		}
	}
}
