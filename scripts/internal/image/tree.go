package image

import (
	"io/fs"
	"path"
	"sort"
	"strings"
)

// Bounds on what an image may make this tool remember. The largest images in
// use hold some 400,000 files.
const (
	maxEntries = 1 << 20
	maxNames   = 128 << 20 // bytes in all names and links together
	maxPath    = 4096      // the kernel's own
	maxLinks   = 40        // and this
	maxFollows = 1 << 17   // links that an image's layers follow in all
)

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
	layer    int              // that last wrote it
	cleared  int              // the layer that took away what lower ones have in it
}

// tree is an image's file system, as far as it has been read.
type tree struct {
	root           *node
	entries, names int
	hidden         int64
	gone           []gone
	most           int // entries: maxEntries, but for tests
	follows        int
}

// gone is what a layer has taken away, with all that is below it.
type gone struct {
	path string
	*node
	by int
}

func newTree() *tree { return &tree{root: folder(true), most: maxEntries} }

func folder(implied bool) *node {
	return &node{inode: &inode{entry: Entry{Mode: fs.ModeDir | 0o755}}, implied: implied}
}

func (n *node) isDir() bool { return n.entry.Mode.IsDir() }

// clean makes a tar's name absolute; what would lead out of the root stays inside.
func clean(name string) string { return path.Clean("/" + name) }

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
func (t *tree) through(name string, layer int) string {
	dir, all := t.root, parts(name)
	for i, followed := 0, 0; i < len(all)-1; i++ {
		next := dir.children[all[i]]
		switch {
		case next == nil:
			return name
		case next.entry.IsLink() && next.layer == layer && followed < maxLinks && t.follows < maxFollows && len(next.entry.Link) < maxPath:
			to := next.entry.Link
			if !absolute(to) {
				to = path.Join("/", path.Join(all[:i]...), to)
			}
			name = clean(path.Join(to, path.Join(all[i+1:]...)))
			dir, all, i = t.root, parts(name), -1
			followed, t.follows = followed+1, t.follows+1
		default:
			dir = next
		}
	}
	return name
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
			t.hide("/"+path.Join(all[:i+1]...), next, n.layer)
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
			t.hide(name, old, n.layer)
		}
	}
	return t.add(dir, last, n)
}

func (t *tree) add(dir *node, name string, n *node) error {
	t.entries++
	t.names += len(name) + len(n.entry.Link)
	if t.entries > t.most || t.names > maxNames {
		return errTooMany
	}
	if dir.children == nil {
		dir.children = map[string]*node{}
	}
	dir.children[name] = n
	return nil
}

// remove takes away what lies at a path, as a whiteout does.
func (t *tree) remove(name string, layer int) {
	if dir := t.find(path.Dir(name)); dir != nil {
		t.hide(name, dir.children[path.Base(name)], layer)
		delete(dir.children, path.Base(name))
	}
}

// hide notes what nobody can see any more from a layer on, and counts its bytes.
func (t *tree) hide(name string, n *node, layer int) {
	if n == nil {
		return
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
		path string
		*node
	}
	stack := []at{{from, n}}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if top.path != "" {
			e := top.entry
			e.Path = top.path
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
			stack = append(stack, at{top.path + "/" + name, top.children[name]})
		}
	}
	return nil
}
