package image

import (
	"context"
	"errors"
	"io/fs"
	"path"
)

// Files is an image's files, all of them known, with what is kept of their contents.
type Files struct {
	*tree
	spool *Spool
	bytes int64 // of the regular files of all layers, hard links once
}

// NewFiles gives none yet: Apply brings them, layer by layer; Discard lets go of them.
func NewFiles() (*Files, error) {
	s, err := NewSpool()
	if err != nil {
		return nil, err
	}
	return &Files{tree: newTree(), spool: s}, nil
}

// Lstat is as Image's.
func (k *Files) Lstat(_ context.Context, path string) (Entry, error) {
	n, err := k.lstat(path)
	if err != nil {
		return Entry{}, err
	}
	e := n.entry
	e.Path = path
	return e, nil
}

// Open is as Image's.
func (k *Files) Open(_ context.Context, path string) (File, error) {
	n, err := k.lstat(path)
	if err != nil {
		return nil, err
	}
	if !n.entry.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return k.spool.Open(n.content), nil
}

// Walk calls visit for each file, in the order of their paths.
func (k *Files) Walk(visit func(Entry) error) error { return k.walk(visit) }

// Bytes is how large the image is: the regular files of all its layers, added up, hard
// links once; also of files that a later layer hides.
func (k *Files) Bytes() int64 { return k.bytes }

// Hidden is the number of bytes in files that a later layer deletes or replaces.
func (k *Files) Hidden() int64 { return k.hidden }

// Lost calls visit for each file that a layer has taken away.
func (k *Files) Lost(visit func(e Entry, by int) error) error { return k.lost(visit) }

// Drop takes away an empty file, or an empty folder, as if no layer had brought it.
func (k *Files) Drop(name string) {
	if n := k.find(name); n != nil && n.entry.Size == 0 && len(n.children) == 0 {
		delete(k.find(path.Dir(name)).children, path.Base(name))
	}
}

// Discard lets go of what was kept of the contents.
func (k *Files) Discard() error { return k.spool.Close() }
