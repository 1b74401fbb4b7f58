package source

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

// EachFile visits every file of an engine's image as it streams by, whatever the
// image's size; nothing is kept. content is a regular file's, to be read before
// the visit ends. A hard link comes with the entry of the file behind it, and
// without content.
func EachFile(ctx context.Context, e *engine.Engine, ref string, visit func(entry image.Entry, content io.Reader) error) (err error) {
	c := &container{ctx: ctx, engine: e}
	defer func() { err = errors.Join(err, c.Close()) }()
	name, err := c.create(ref)
	if err != nil {
		return &image.Fault{Ref: ref, Err: err}
	}

	reading, stop := context.WithCancel(ctx)
	defer stop()
	r, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		w.CloseWithError(e.Run(reading, nil, w, nil, "export", name)) // of nil: the end
		close(ended)
	}()
	err = visitTar(r, visit)
	stop()
	r.Close()
	<-ended
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &image.Fault{Ref: ref, Err: err}
	}
	return nil
}

func visitTar(r io.Reader, visit func(image.Entry, io.Reader) error) error {
	seen := map[string]image.Entry{} // the regular files: what hard links may name
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, r) // or the engine complains of a broken pipe
			return err
		}
		if err != nil {
			return err
		}
		entry, content := image.EntryOf(h), io.Reader(archive)
		entry.Path = image.Clean(h.Name)
		if stub[entry.Path] && entry.Size == 0 { // added by `create`
			continue
		}
		if h.Typeflag == tar.TypeLink {
			first, ok := seen[image.Clean(h.Linkname)]
			if !ok {
				continue
			}
			first.Path = entry.Path
			entry, content = first, bytes.NewReader(nil)
		}
		if entry.Mode.IsRegular() {
			seen[entry.Path] = entry
		}
		if err := visit(entry, content); err != nil {
			return err
		}
	}
}
