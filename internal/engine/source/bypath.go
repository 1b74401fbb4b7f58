package source

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

// atOnce is how many files an engine is asked for at the same time: each from a
// container of its own, since docker locks a container while it copies from it.
const atOnce = 2

// maxAsked is how many files of an image are asked for. A program of the largest
// asks for some hundreds; each takes a command.
const maxAsked = 1500

// byPath is an image of an engine that is asked for one file at a time, by
// `cp CONTAINER:PATH -`: what comes is a tar, its header says what the file is,
// and reading stops there unless the content is worth keeping.
type byPath struct {
	*container
	free   chan string // containers that nobody is reading from
	making sync.WaitGroup
	more   sync.Once // makes the others, when two files are asked for at the same time

	mu   sync.Mutex
	seen map[string]*answer
}

// answer is what the engine said about a path.
type answer struct {
	done    chan struct{}
	entry   image.Entry
	spool   *image.Spool // of a regular file
	content image.Span
	err     error
}

func newByPath(c *container) *byPath {
	b := &byPath{container: c, free: make(chan string, atOnce), seen: map[string]*answer{}}
	b.free <- c.read
	return b
}

// makeMore makes the second container while the first one is asked.
func (b *byPath) makeMore() {
	b.making.Add(1)
	go func() {
		defer b.making.Done()
		if name, err := b.create(); err == nil {
			b.free <- name
		}
	}()
}

func (b *byPath) ask(ctx context.Context, path string) *answer {
	b.mu.Lock()
	a := b.seen[path]
	if a == nil && len(b.seen) >= maxAsked {
		b.mu.Unlock()
		return &answer{err: image.ErrTooLarge}
	}
	if a == nil {
		a = &answer{done: make(chan struct{})}
		b.seen[path] = a
		b.mu.Unlock()
		a.err = b.fetch(ctx, path, a)
		close(a.done)
		return a
	}
	b.mu.Unlock()
	select {
	case <-a.done:
		return a
	case <-ctx.Done():
		return &answer{err: ctx.Err()}
	}
}

func (b *byPath) fetch(ctx context.Context, path string, a *answer) error {
	if stub[path] {
		return notExist(path)
	}
	if len(b.free) == 0 && b.theirs == "" {
		b.more.Do(b.makeMore)
	}
	var name string
	select {
	case name = <-b.free:
		defer func() { b.free <- name }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := b.engine.Stream(ctx, func(copied io.Reader) error {
		archive := tar.NewReader(copied)
		h, err := archive.Next()
		if err != nil {
			return err
		}
		a.entry = image.EntryOf(h)
		a.entry.Path = path
		if !a.entry.Mode.IsRegular() {
			return nil
		}
		if a.spool, err = image.NewSpool(); err == nil {
			a.content, err = a.spool.Keep(archive, path, a.entry.Size, false)
		}
		return err
	}, "cp", name+":"+path, "-")
	var failed *engine.Failed
	if errors.As(err, &failed) && noSuchPath(failed.Stderr) {
		return notExist(path)
	}
	if err != nil {
		err = image.Failed(ctx, b.Name(), err)
	}
	return err
}

func notExist(path string) error {
	return &fs.PathError{Op: "lstat", Path: path, Err: fs.ErrNotExist}
}

// noSuchPath tells the engine's "there is no such file" from its other troubles.
func noSuchPath(words string) bool {
	words = strings.ToLower(words)
	for _, known := range []string{"no such container:path", "could not find the file", "no such file or directory", "not a directory"} {
		if strings.Contains(words, known) {
			return true
		}
	}
	return false
}

func (b *byPath) Lstat(ctx context.Context, path string) (image.Entry, error) {
	if !strings.HasPrefix(path, "/") {
		return image.Entry{}, notExist(path)
	}
	a := b.ask(ctx, path)
	return a.entry, a.err
}

// Peek is the same question: docker follows the links of the folders itself.
func (b *byPath) Peek(ctx context.Context, path string) (image.Entry, error) {
	return b.Lstat(ctx, path)
}

func (b *byPath) Open(ctx context.Context, path string) (image.File, error) {
	a := b.ask(ctx, path)
	if a.err != nil {
		return nil, a.err
	}
	if a.spool == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return a.spool.Open(a.content), nil
}

// Prefetch asks for the paths and for the folders on their way, several at once.
func (b *byPath) Prefetch(ctx context.Context, paths ...string) {
	var wait sync.WaitGroup
	defer wait.Wait()
	for _, p := range paths {
		p = image.Clean(p)
		for _, at := range append(image.Above(p), p) {
			if at != "/" {
				wait.Go(func() { b.ask(ctx, at) })
			}
		}
	}
}

func (b *byPath) Close() error {
	b.making.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.seen {
		<-a.done
		if a.spool != nil {
			a.spool.Close()
		}
	}
	return b.container.Close()
}
