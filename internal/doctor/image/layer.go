package image

import (
	"archive/tar"
	"context"
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
			if err := errors.Join(k.cover(path.Dir(name), allBelow), k.hideBelow(path.Dir(name), layer)); err != nil {
				return err
			}
			continue
		case strings.HasPrefix(base, whiteout):
			name := path.Join(path.Dir(name), base[len(whiteout):])
			if err := errors.Join(k.cover(name, itself), k.removeBelow(name, layer)); err != nil {
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

// removeBelow takes away what lower layers have at a path; what this one put there stays.
func (t *tree) removeBelow(name string, layer int) error {
	n := t.find(name)
	switch {
	case n == nil || name == "/":
	case n.layer < layer:
		return t.remove(name, layer)
	case n.isDir():
		return t.hideBelow(name, layer)
	}
	return nil
}

// hideBelow takes away what lower layers have in a folder.
func (t *tree) hideBelow(name string, layer int) error {
	dir := t.find(name)
	if dir == nil || dir.cleared == layer {
		return nil
	}
	type at struct {
		path string
		*node
	}
	stack := []at{{name, dir}}
	for len(stack) > 0 {
		d := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if d.cleared == layer {
			continue // once is enough, however often the layer says it
		}
		d.cleared = layer
		for name, child := range d.children {
			if child.layer < layer {
				if err := t.hide(path.Join(d.path, name), child, layer); err != nil {
					return err
				}
				delete(d.children, name)
			} else if child.isDir() {
				stack = append(stack, at{path.Join(d.path, name), child})
			}
		}
	}
	return nil
}
