package image

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"sort"
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

// tree is an image's file system, as far as it has been read.
type tree struct {
	root   *node
	hidden int64
	gone   []gone
	covers map[string]covering // of a layer that is kept by itself: what its whiteouts say; else nil
	budget *Budget
}

// covering is what a layer takes away from those below.
type covering int

const (
	itself covering = 1 << iota
	allBelow
)

// cover notes a whiteout, where the layer is kept by itself.
func (t *tree) cover(name string, how covering) error {
	if t.covers == nil {
		return nil
	}
	t.covers[strings.Clone(name)] |= how
	return t.budget.Keep(int64(costOfGone + len(name)))
}

// covered says whether a layer lets nothing of those below be seen at a path.
func (t *tree) covered(name string) bool {
	if t.covers[name]&itself != 0 || t.covers["/"]&allBelow != 0 && name != "/" {
		return true
	}
	for _, up := range Above(name) {
		if t.covers[up] != 0 {
			return true
		}
		if n := t.find(up); n != nil && !n.isDir() {
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

func newTree() *tree {
	return &tree{root: folder(true), budget: NewBudget(context.Background(), 0)}
}

func folder(implied bool) *node {
	return &node{inode: &inode{entry: Entry{Mode: fs.ModeDir | 0o755}}, implied: implied}
}

func (n *node) isDir() bool { return n.entry.Mode.IsDir() }

// Clean makes a tar's name absolute; what would lead out of the root stays inside.
func Clean(name string) string { return path.Clean("/" + name) }

func (t *tree) find(name string) *node {
	n := t.root
	for _, part := range parts(name) {
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

// through gives the place that a layer's entry has: engines unpack each layer by itself, and follow
// the links that the layer itself has made; a lower layer's link gives way to a folder.
func (t *tree) through(name string, layer int) (string, error) {
	dir, all := t.root, parts(name)
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
			dir, all, i = t.root, parts(name), -1
			if followed++; len(name) > maxPath {
				return "", fmt.Errorf("layer %d has a path of over %d bytes", layer, maxPath)
			}
			if err := t.budget.Work(int64(2 + (len(next.entry.Link)+len(name))/4)); err != nil {
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
func (t *tree) put(name string, n *node) error {
	all := parts(name)
	if len(all) == 0 {
		if n.isDir() {
			n.children = t.root.children
			t.root = n
		}
		return nil
	}
	dir := t.root
	for i, part := range all[:len(all)-1] {
		next := dir.children[part]
		if next == nil || !next.isDir() {
			if next != nil {
				if err := t.hide("/"+path.Join(all[:i+1]...), next, n.layer); err != nil {
					return err
				}
			}
			next = folder(true)
			next.layer = n.layer
			if err := t.add(dir, part, next); err != nil {
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
			if err := t.hide(name, old, n.layer); err != nil {
				return err
			}
		}
	}
	return t.add(dir, last, n)
}

func (t *tree) add(dir *node, name string, n *node) error {
	cost := costOfNode + len(name) + len(n.entry.Link)
	if dir.children == nil {
		dir.children = map[string]*node{}
		cost += costOfFolder
	}
	if err := t.budget.Keep(int64(cost)); err != nil {
		return err
	}
	dir.children[strings.Clone(name)] = n
	return nil
}

// remove takes away what lies at a path, as a whiteout does.
func (t *tree) remove(name string, layer int) error {
	dir := t.find(path.Dir(name))
	if dir == nil || dir.children[path.Base(name)] == nil {
		return nil
	}
	err := t.hide(name, dir.children[path.Base(name)], layer)
	delete(dir.children, path.Base(name))
	return err
}

// hide notes what nobody can see any more from a layer on, and counts its bytes.
func (t *tree) hide(name string, n *node, layer int) error {
	if err := t.budget.Keep(int64(costOfGone + len(name))); err != nil {
		return err
	}
	t.gone = append(t.gone, gone{name, n, layer})
	// A stack of its own: a path may be a thousand folders deep.
	stack := []*node{n}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		t.hidden += top.entry.Size
		for _, child := range top.children {
			stack = append(stack, child)
		}
	}
	return nil
}

func (t *tree) lstat(name string) (*node, error) {
	n := t.find(name)
	if n == nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

func (t *tree) walk(visit func(Entry) error) error { return walk("", t.root, visit) }

// lost walks through what layers have taken away.
func (t *tree) lost(visit func(e Entry, by int) error) error {
	for _, g := range t.gone {
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
		names := make([]string, 0, len(top.children))
		for name := range top.children {
			names = append(names, name)
		}
		sort.Sort(sort.Reverse(sort.StringSlice(names)))
		for _, name := range names {
			stack = append(stack, at{name, len(path), top.children[name]})
		}
	}
	return nil
}
