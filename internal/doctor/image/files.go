package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

const (
	maxPath  = 4096 // the kernel's own bound on a path
	maxLinks = 40   // and on the links on one way
)

// inode is a file without its name: hard links are several names of one.
type inode struct {
	entry   Entry // without the path
	content Span
}

// node is a name in a folder.
type node struct {
	*inode
	children map[string]*node // of a folder
	implied  bool             // a folder that no layer mentions, only files in it
	layer    int              // that last wrote it
	cleared  int              // the layer that took away what lower ones have in it
}

// Files is an image's files, all of them known, with what is kept of their contents.
type Files struct {
	root   *node
	spool  *Spool
	budget *Budget
	bytes  int64 // of the regular files of all layers, hard links once
	hidden int64 // of those that a later layer took away
	gone   []gone
	covers map[string]covering // of a layer that is kept by itself: what its whiteouts say; else nil
}

// NewFiles gives none yet: Apply brings them, layer by layer, and draws on the budget; Discard lets go of them.
func NewFiles(b *Budget) (*Files, error) {
	s, err := NewSpool()
	if err != nil {
		return nil, err
	}
	return filesIn(s, b), nil
}

func filesIn(s *Spool, b *Budget) *Files { return &Files{root: folder(true), spool: s, budget: b} }

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

// gone is what a layer has taken away, with all that is below it.
type gone struct {
	path string
	*node
	by int
}

func folder(implied bool) *node {
	return &node{inode: &inode{entry: Entry{Mode: fs.ModeDir | 0o755}}, implied: implied}
}

func (n *node) isDir() bool { return n.entry.Mode.IsDir() }

// Clean makes a tar's name absolute; what would lead out of the root stays inside.
func Clean(name string) string { return path.Clean("/" + name) }

func (k *Files) find(name string) *node {
	n := k.root
	for _, part := range parts(name) {
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

// through gives the place that a layer's entry has: engines unpack each layer by itself, and follow
// the links that the layer itself has made; a lower layer's link gives way to a folder.
func (k *Files) through(name string, layer int) (string, error) {
	dir, all := k.root, parts(name)
	for i, followed := 0, 0; i < len(all)-1; i++ {
		next := dir.children[all[i]]
		switch {
		case next == nil:
			return name, nil
		case next.entry.IsLink() && next.layer == layer && followed < maxLinks:
			to := next.entry.Link
			if !path.IsAbs(to) {
				to = path.Join("/", path.Join(all[:i]...), to)
			}
			name = Clean(path.Join(to, path.Join(all[i+1:]...)))
			dir, all, i = k.root, parts(name), -1
			if followed++; len(name) > maxPath {
				return "", fmt.Errorf("layer %d has a path of over %d bytes", layer, maxPath)
			}
			if err := k.budget.Work(int64(2 + (len(next.entry.Link)+len(name))/4)); err != nil {
				return "", err
			}
		default:
			dir = next
		}
	}
	return name, nil
}

func parts(name string) []string {
	if name == "/" || name == "" {
		return nil
	}
	return strings.Split(strings.Trim(name, "/"), "/")
}

// put places a node at a path. A folder over a folder keeps its children;
// anything else replaces what was there.
func (k *Files) put(name string, n *node) error {
	all := parts(name)
	if len(all) == 0 {
		if n.isDir() {
			n.children = k.root.children
			k.root = n
		}
		return nil
	}
	dir := k.root
	for i, part := range all[:len(all)-1] {
		next := dir.children[part]
		if next == nil || !next.isDir() {
			if next != nil {
				if err := k.hide("/"+path.Join(all[:i+1]...), next, n.layer); err != nil {
					return err
				}
			}
			next = folder(true)
			next.layer = n.layer
			if err := k.add(dir, part, next); err != nil {
				return err
			}
		}
		dir = next
	}
	last := all[len(all)-1]
	if old := dir.children[last]; old != nil {
		if old.isDir() && n.isDir() {
			n.children = old.children
		} else if old.inode != n.inode {
			if err := k.hide(name, old, n.layer); err != nil {
				return err
			}
		}
	}
	return k.add(dir, last, n)
}

func (k *Files) add(dir *node, name string, n *node) error {
	cost := costOfNode + len(name) + len(n.entry.Link)
	if dir.children == nil {
		dir.children = map[string]*node{}
		cost += costOfFolder
	}
	if err := k.budget.Keep(int64(cost)); err != nil {
		return err
	}
	dir.children[strings.Clone(name)] = n
	return nil
}

// hide notes what nobody can see any more from a layer on, and counts its bytes.
func (k *Files) hide(name string, n *node, layer int) error {
	if err := k.budget.Keep(int64(costOfGone + len(name))); err != nil {
		return err
	}
	k.gone = append(k.gone, gone{name, n, layer})
	// A stack of its own: a path may be a thousand folders deep.
	stack := []*node{n}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		k.hidden += top.entry.Size
		for _, child := range top.children {
			stack = append(stack, child)
		}
	}
	return nil
}

// Lstat is as Image's.
func (k *Files) Lstat(_ context.Context, path string) (Entry, error) { return k.find(path).at(path) }

// Open is as Image's.
func (k *Files) Open(_ context.Context, path string) (File, error) {
	return k.find(path).open(path, k.spool)
}

// at is what lies at a path; nil: nothing.
func (n *node) at(path string) (Entry, error) {
	if n == nil {
		return Entry{}, &fs.PathError{Op: "lstat", Path: path, Err: fs.ErrNotExist}
	}
	e := n.entry
	e.Path = path
	return e, nil
}

func (n *node) open(path string, from *Spool) (File, error) {
	e, err := n.at(path)
	if err == nil && !e.Mode.IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return from.Open(n.content), nil
}

// Bytes is how large the image is: the regular files of all its layers, added up, hard
// links once; also of files that a later layer hides.
func (k *Files) Bytes() int64 { return k.bytes }

// Hidden is the number of bytes in files that a later layer deletes or replaces.
func (k *Files) Hidden() int64 { return k.hidden }

// Drop takes away an empty file, or an empty folder, as if no layer had brought it.
func (k *Files) Drop(name string) {
	if n := k.find(name); n != nil && n.entry.Size == 0 && len(n.children) == 0 {
		delete(k.find(path.Dir(name)).children, path.Base(name))
	}
}

// Discard lets go of what was kept of the contents.
func (k *Files) Discard() error { return k.spool.Close() }

// Walk calls visit for each file, in the order of their paths.
func (k *Files) Walk(visit func(Entry) error) error { return walk("", k.root, visit) }

// Lost calls visit for each file that a layer has taken away.
func (k *Files) Lost(visit func(e Entry, by int) error) error {
	for _, g := range k.gone {
		if err := walk(g.path, g.node, func(e Entry) error { return visit(e, g.by) }); err != nil {
			return err
		}
	}
	return nil
}

func walk(from string, n *node, visit func(Entry) error) error {
	type at struct {
		name string
		up   int // how much of the path is its folder's
		*node
	}
	stack := []at{{strings.TrimPrefix(from, "/"), 0, n}}
	var path []byte // one for all: a whole path each would take a gigabyte
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if path = path[:top.up]; top.name != "" {
			path = append(append(path, '/'), top.name...)
			e := top.entry
			e.Path = string(path)
			if err := visit(e); err != nil {
				return err
			}
		}
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(top.children))) {
			stack = append(stack, at{name, len(path), top.children[name]})
		}
	}
	return nil
}
