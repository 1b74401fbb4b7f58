package image

import (
	"context"
	"errors"
	"io/fs"
)

// kept is an image's files, all of them known, with what is kept of their contents.
type kept struct {
	*tree
	spool *spool
}

func newKept() (*kept, error) {
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	return &kept{newTree(), s}, nil
}

func (k *kept) Lstat(_ context.Context, path string) (Entry, error) {
	n, err := k.lstat(path)
	if err != nil {
		return Entry{}, err
	}
	e := n.entry
	e.Path = path
	return e, nil
}

func (k *kept) Open(_ context.Context, path string) (File, error) {
	n, err := k.lstat(path)
	if err != nil {
		return nil, err
	}
	if !n.entry.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return k.spool.open(n.content), nil
}

// Walk calls visit for each file, in the order of their paths.
func (k *kept) Walk(visit func(Entry) error) error { return k.walk(visit) }

// Hidden is the number of bytes in files that a later layer deletes or replaces.
func (k *kept) Hidden() int64 { return k.hidden }

// Lost calls visit for each file that a layer has taken away.
func (k *kept) Lost(visit func(e Entry, by int) error) error { return k.lost(visit) }

func (k *kept) close() error { return k.spool.Close() }
