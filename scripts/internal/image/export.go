package image

import (
	"context"
	"errors"
	"io"
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
	*kept
}

func export(ctx context.Context, c *container) (*exported, error) {
	files, err := newKept()
	if err != nil {
		return nil, err
	}
	all := &exported{container: c, kept: files}
	limit := int64(4 * wholeTree)
	if c.engine.Name == "podman" {
		limit = keepAll
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := c.engine.Run(reading, nil, w, nil, "export", c.names[0])
		if err != nil {
			w.CloseWithError(err)
		}
		w.Close()
		ended <- err
	}()
	if err = all.apply(ctx, 1, &bounded{r, limit}); err == nil {
		all.sweep()
	}
	if err == nil {
		io.Copy(io.Discard, io.LimitReader(r, 1<<20)) // the padding at the end: or the engine complains of a broken pipe
	}
	stop()
	r.Close()
	<-ended
	if err == nil { // all is read: it can go while the doctor thinks
		go c.Close()
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		files.close()
		return nil, err
	}
	return all, nil
}

// sweep removes what `create` has added.
func (x *exported) sweep() {
	for name := range stub {
		if n := x.find(name); n != nil && n.entry.Size == 0 && len(n.children) == 0 {
			x.remove(name, 0)
		}
	}
	for _, name := range []string{"/etc", "/dev", "/run"} { // created for the above
		if n := x.find(name); n != nil && n.isDir() && len(n.children) == 0 {
			x.remove(name, 0)
		}
	}
	x.hidden, x.gone = 0, nil
}

func (x *exported) Close() error {
	x.close()
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
