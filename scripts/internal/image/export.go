package image

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
)

// errTooMuch ends an export that brings more than the image's size promised.
var errTooMuch = errors.New("more bytes than expected")

// stub is what an engine's `create` adds to a container's tree, so that there
// is something to mount the running system's files over. Where it is empty, it
// is not the image's; and a start hides it either way.
var stub = map[string]bool{
	"/.dockerenv": true, "/etc/hosts": true, "/etc/hostname": true, "/etc/resolv.conf": true, "/etc/mtab": true,
	"/dev/console": true, "/dev/pts": true, "/dev/shm": true, "/proc": true, "/sys": true,
	"/run/.containerenv": true,
}

// exported is an image of an engine whose files have all been read, by `export`.
type exported struct {
	*container
	*tree
	spool *spool
}

func export(ctx context.Context, c *container) (*exported, error) {
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	all := &exported{container: c, tree: newTree(), spool: s}
	limit := int64(4 * wholeTree)
	if c.engine.Name == "podman" {
		limit = keepAll
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := c.engine.Run(reading, nil, w, nil, "export", c.name)
		if err != nil {
			w.CloseWithError(err)
		}
		w.Close()
		ended <- err
	}()
	err = all.read(&bounded{r, limit})
	if err == nil {
		io.Copy(io.Discard, io.LimitReader(r, 1<<20)) // the padding at the end: or the engine complains of a broken pipe
	}
	stop()
	r.Close()
	<-ended
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return all, nil
}

// read takes in a tar that is a whole file system, not a layer of one.
func (x *exported) read(r io.Reader) error {
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return x.sweep()
		}
		if err != nil {
			return err
		}
		name := clean(h.Name)
		if h.Typeflag == tar.TypeLink {
			if first := x.find(clean(h.Linkname)); first != nil {
				if err := x.put(name, &node{inode: first.inode}); err != nil {
					return err
				}
			}
			continue
		}
		n := &node{inode: &inode{entry: entryOf(h)}}
		if n.entry.Mode.IsRegular() {
			if n.content, err = x.spool.keep(archive, name, h.Size); err != nil {
				return err
			}
		}
		if err := x.put(name, n); err != nil {
			return err
		}
	}
}

// sweep removes what `create` has added.
func (x *exported) sweep() error {
	for name := range stub {
		if n := x.find(name); n != nil && n.entry.Size == 0 && len(n.children) == 0 {
			x.remove(name)
		}
	}
	for _, name := range []string{"/etc", "/dev", "/run"} { // created for the above
		if n := x.find(name); n != nil && n.isDir() && len(n.children) == 0 {
			x.remove(name)
		}
	}
	x.hidden = 0
	return nil
}

func (x *exported) Lstat(_ context.Context, path string) (Entry, error) {
	n, err := x.lstat(path)
	if err != nil {
		return Entry{}, err
	}
	e := n.entry
	e.Path = path
	return e, nil
}

func (x *exported) Open(_ context.Context, path string) (File, error) {
	n, err := x.lstat(path)
	if err != nil {
		return nil, err
	}
	if !n.entry.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return x.spool.open(n.content), nil
}

func (x *exported) Walk(visit func(Entry) error) error { return x.walk(visit) }
func (x *exported) Hidden() int64                      { return 0 } // not to be seen in a container

func (x *exported) Close() error {
	x.spool.Close()
	return x.container.Close()
}

// bounded reads up to a number of bytes, and fails beyond it.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
