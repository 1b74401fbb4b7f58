package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// MaxPath is how long a path may be: bytes (PATH_MAX).
const MaxPath = 4096

// MaxLinks is how many links the kernel follows on one way (MAXSYMLINKS).
const MaxLinks = 40

// inode is a file without its name: hard links are several names of one.
type inode struct {
	entry   Entry // without the path
	content span
}

// node is a name in a folder.
type node struct {
	*inode
	children map[string]*node // of a folder
	implied  bool             // a folder that no layer mentions, only files in it
}

// Files is an image's files, all of them known, with what is kept of their contents; or those of one layer.
type Files struct {
	root   *node
	spool  *spool
	budget *Budget
	// Bytes is how large the image is: the regular files of all its layers, added up, hard
	// links once; also of files that a later layer hides.
	Bytes  int64
	gone   []gone
	covers map[string]covering // of a layer that is kept by itself: what its whiteouts say
}

// NewFiles gives none yet: Apply brings them, layer by layer, and draws on the budget; Discard lets go of them.
func NewFiles(b *Budget) *Files {
	return &Files{root: folder(), spool: new(spool), budget: b, covers: map[string]covering{}}
}

// gone is what a layer has taken away, with all that is below it.
type gone struct {
	path string
	*node
	by int
}

func folder() *node {
	return &node{inode: &inode{entry: Entry{Mode: fs.ModeDir | 0o755}}, implied: true}
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
func (k *Files) through(name string) (string, error) {
	dir, all := k.root, parts(name)
	for i, followed := 0, 0; i < len(all)-1; i++ {
		next := dir.children[all[i]]
		switch {
		case next == nil:
			return name, nil
		case next.entry.IsLink() && followed < MaxLinks:
			to := next.entry.Link
			if !path.IsAbs(to) {
				to = path.Join("/", path.Join(all[:i]...), to)
			}
			name = Clean(path.Join(to, path.Join(all[i+1:]...)))
			dir, all, i = k.root, parts(name), -1
			if followed++; len(name) > MaxPath {
				return "", fmt.Errorf("a path of over %d bytes", MaxPath)
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
	return strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
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
	dir, last := k.root, len(all)-1
	for _, part := range all[:last] {
		next := dir.children[part]
		if next == nil || !next.isDir() {
			next = folder()
			if err := k.add(dir, part, next); err != nil {
				return err
			}
		}
		dir = next
	}
	if old := dir.children[all[last]]; old != nil && old.isDir() && n.isDir() {
		n.children = old.children
	}
	return k.add(dir, all[last], n)
}

func (k *Files) add(dir *node, name string, n *node) error {
	cost := costOfNode + len(name) + len(n.entry.Link)
	if dir.children == nil {
		dir.children = map[string]*node{}
		cost += costOfFolder
	}
	dir.children[strings.Clone(name)] = n
	return k.budget.Keep(int64(cost))
}

// hide notes what nobody can see any more from a layer on.
func (k *Files) hide(name string, n *node, layer int) error {
	k.gone = append(k.gone, gone{name, n, layer})
	return k.budget.Keep(int64(costOfGone + len(name)))
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

func (n *node) open(path string, from *spool) (File, error) {
	e, err := n.at(path)
	if err == nil && !e.Mode.IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return from.at(n.content), nil
}

// Discard lets go of what was kept of the contents.
func (k *Files) Discard() { k.spool.discard() }

// Walk is as Lister's.
func (k *Files) Walk() iter.Seq[Entry] {
	return func(yield func(Entry) bool) { walk(nil, k.root, yield) }
}

// Lost is as Lister's.
func (k *Files) Lost() iter.Seq2[Entry, int] {
	return func(yield func(Entry, int) bool) {
		for _, g := range k.gone {
			e, _ := g.at(g.path)
			if !yield(e, g.by) || !walk([]byte(g.path), g.node, func(e Entry) bool { return yield(e, g.by) }) {
				return
			}
		}
	}
}

// walk visits what is below a node. The path is one for all: a whole one each would take a gigabyte.
func walk(path []byte, n *node, yield func(Entry) bool) bool {
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		child, path := n.children[name], append(append(path, '/'), name...)
		e, _ := child.at(string(path))
		if !yield(e) || !walk(path, child, yield) {
			return false
		}
	}
	return true
}
