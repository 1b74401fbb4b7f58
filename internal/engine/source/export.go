package source

import (
	"context"
	"errors"
	"io"

	"optimizing-dockerfile/internal/doctor/image"
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
	*image.Files
}

func export(ctx context.Context, c *container) (*exported, error) {
	files, err := image.NewFiles(image.NewBudget(ctx, 0))
	if err != nil {
		return nil, err
	}
	all := &exported{container: c, Files: files}
	limit := int64(4 * wholeTree)
	if c.engine.Name == "podman" {
		limit = image.KeepAll
	}
	err = c.engine.Stream(ctx, func(exported io.Reader) error {
		bounded := &io.LimitedReader{R: exported, N: limit}
		if err := all.Apply(ctx, 1, bounded); err != nil && bounded.N <= 0 {
			return errTooMuch
		} else if err != nil {
			return err
		}
		io.Copy(io.Discard, io.LimitReader(exported, 1<<20)) // the padding at the end: or the engine complains of a broken pipe
		return nil
	}, "export", c.read)
	if err != nil {
		files.Discard()
		return nil, err
	}
	all.sweep()
	go c.Close() // all is read: it can go while the doctor thinks
	return all, nil
}

// sweep removes what `create` has added.
func (x *exported) sweep() {
	for name := range stub {
		x.Drop(name)
	}
	for _, name := range []string{"/etc", "/dev", "/run"} { // created for the above
		if entry, err := x.Lstat(x.ctx, name); err == nil && entry.Mode.IsDir() {
			x.Drop(name)
		}
	}
}

func (x *exported) Close() error {
	x.Discard()
	return x.container.Close()
}
