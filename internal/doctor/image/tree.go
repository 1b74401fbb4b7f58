package image

import (
	"context"
	"io/fs"
	"path"
	"sort"
	"strings"
)

// maxPath is the kernel's own bound on a path.
const maxPath = 4096

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
	budget *Budget
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
	for _, part := range all[:len(all)-1] {
		next := dir.children[part]
		if next == nil || !next.isDir() {
			t.hide(next)
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
			t.hide(old)
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
func (t *tree) remove(name string) {
	if dir := t.find(path.Dir(name)); dir != nil {
		t.hide(dir.children[path.Base(name)])
		delete(dir.children, path.Base(name))
	}
}

// hide counts the bytes that nobody can see any more.
func (t *tree) hide(n *node) {
	if n == nil {
		return
	}
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
}

func (t *tree) lstat(name string) (*node, error) {
	n := t.find(name)
	if n == nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

func (t *tree) walk(visit func(Entry) error) error {
	type at struct {
		name string
		up   int // how much of the path is its folder's
		*node
	}
	stack := []at{{node: t.root}}
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
