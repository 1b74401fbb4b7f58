package image

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"

	"optimizing-dockerfile/scripts/internal/engine"
)

// atOnce is how many files an engine is asked for at the same time.
const atOnce = 4

// byPath is an image of an engine that is asked for one file at a time, by
// `cp CONTAINER:PATH -`: what comes is a tar, its header says what the file is,
// and reading stops there unless somebody wants the content.
type byPath struct {
	*container
	mu   sync.Mutex
	seen map[string]*answer
}

// answer is what the engine said about a path.
type answer struct {
	done    chan struct{}
	entry   Entry
	content *lazy // of a regular file
	err     error
}

func (b *byPath) ask(ctx context.Context, path string) *answer {
	b.mu.Lock()
	a := b.seen[path]
	if a == nil {
		a = &answer{done: make(chan struct{})}
		b.seen[path] = a
		b.mu.Unlock()
		a.entry, a.content, a.err = b.fetch(path)
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

// fetch lives as long as the image, not as long as the question: the content
// may be wanted later.
func (b *byPath) fetch(path string) (Entry, *lazy, error) {
	if stub[path] {
		return Entry{}, nil, notExist(path)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	r, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		err := b.engine.Run(ctx, nil, w, nil, "cp", b.name+":"+path, "-")
		if err == nil {
			err = io.EOF
		}
		w.CloseWithError(err)
		close(ended)
	}()
	stop := func() {
		cancel()
		r.Close()
		<-ended
	}
	archive := tar.NewReader(r)
	h, err := archive.Next()
	if err != nil {
		stop()
		var failed *engine.Failed
		switch {
		case b.ctx.Err() != nil:
			err = b.ctx.Err()
		case errors.As(err, &failed) && noSuchPath(failed.Stderr):
			err = notExist(path)
		default:
			err = &Fault{b.Name(), err}
		}
		return Entry{}, nil, err
	}
	e := entryOf(h)
	e.Path = path
	if !e.Mode.IsRegular() || e.Size == 0 {
		stop()
		return e, &lazy{stop: func() {}}, nil
	}
	return e, &lazy{stream: archive, stop: stop, size: e.Size}, nil
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

func (b *byPath) Lstat(ctx context.Context, path string) (Entry, error) {
	if !absolute(path) {
		return Entry{}, notExist(path)
	}
	a := b.ask(ctx, path)
	return a.entry, a.err
}

func (b *byPath) Open(ctx context.Context, path string) (File, error) {
	a := b.ask(ctx, path)
	if a.err != nil {
		return nil, a.err
	}
	if !a.entry.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return a.content, nil
}

// Prefetch asks for the paths and for the folders on their way, several at once.
func (b *byPath) Prefetch(ctx context.Context, paths ...string) {
	var all []string
	for _, p := range paths {
		if p = clean(p); p != "/" {
			all = append(append(all, above(p)...), p)
		}
	}
	var wait sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	asked := map[string]bool{}
	for _, p := range all {
		if asked[p] {
			continue
		}
		asked[p] = true
		turn <- struct{}{}
		wait.Add(1)
		go func() {
			defer wait.Done()
			b.ask(ctx, p)
			<-turn
		}()
	}
	wait.Wait()
}

func (b *byPath) Close() error {
	b.mu.Lock()
	for _, a := range b.seen {
		<-a.done
		if a.content != nil {
			a.content.end()
		}
	}
	b.mu.Unlock()
	return b.container.Close()
}
