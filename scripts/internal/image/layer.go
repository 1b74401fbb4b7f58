package image

import (
	"archive/tar"
	"context"
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
func (k *kept) apply(ctx context.Context, layer int, r io.Reader) error {
	archive := tar.NewReader(r)
	for entries := 0; ; entries++ {
		if entries%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("layer %d is no whole tar: %w", layer, err)
		}
		if entries > k.most {
			return errTooMany
		}
		if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
			return fmt.Errorf("layer %d has a path of over %d bytes", layer, maxPath)
		}
		name := k.through(clean(h.Name), layer)
		switch base := path.Base(name); {
		case base == opaque:
			k.hideBelow(path.Dir(name), layer)
			continue
		case strings.HasPrefix(base, whiteout):
			k.removeBelow(path.Join(path.Dir(name), base[len(whiteout):]), layer)
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
func (k *kept) node(archive *tar.Reader, h *tar.Header, name string, layer int) (*node, error) {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil, nil
	case tar.TypeLink:
		first := k.find(k.through(clean(h.Linkname), layer))
		if first == nil || first.isDir() {
			return nil, nil // an engine would refuse the layer
		}
		// The link's own header counts for the file, whatever name it goes by (moby's createTarFile).
		e := entryOf(h)
		first.entry.Mode = first.entry.Mode&^modeBits | e.Mode&modeBits
		first.entry.UID, first.entry.GID = e.UID, e.GID
		return &node{inode: first.inode}, nil
	}
	n := &node{inode: &inode{entry: entryOf(h)}}
	if n.entry.Mode.IsRegular() {
		_, holes := h.PAXRecords["GNU.sparse.major"]
		var err error
		if n.content, err = k.spool.keep(archive, name, h.Size, holes || h.Typeflag == tar.TypeGNUSparse); err != nil {
			return nil, fmt.Errorf("%s is cut off: %w", name, err)
		}
	}
	return n, nil
}

// removeBelow takes away what lower layers have at a path; what this one put there stays.
func (t *tree) removeBelow(name string, layer int) {
	n := t.find(name)
	switch {
	case n == nil || name == "/":
	case n.layer < layer:
		t.remove(name, layer)
	case n.isDir():
		t.hideBelow(name, layer)
	}
}

// hideBelow takes away what lower layers have in a folder.
func (t *tree) hideBelow(name string, layer int) {
	dir := t.find(name)
	if dir == nil || dir.cleared == layer {
		return
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
				t.hide(path.Join(d.path, name), child, layer)
				delete(d.children, name)
			} else if child.isDir() {
				stack = append(stack, at{path.Join(d.path, name), child})
			}
		}
	}
}
