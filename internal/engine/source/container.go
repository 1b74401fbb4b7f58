package source

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

// farewell is how long the engine may take to create or remove a container.
const farewell = 30 * time.Second

// maxAsked is how many files of an image are asked for. A program of the largest
// asks for some hundreds; each takes a command.
const maxAsked = 1500

// along is how much of a folder is taken with it: bytes. A small one, such as /etc, needs no further command.
const along = 2 << 20

// container is an image, or somebody's container, that is asked for one file at a time, by `cp CONTAINER:PATH -`: what comes is
// a tar, its header says what the file is, and reading stops there unless what follows is worth keeping.
type container struct {
	engine *engine.Engine
	name   string // it was asked for by
	about  engine.Image
	id     string // of the container that is read
	ours   bool   // it was made for that, and is removed then

	asked map[string]error
	whole map[string]bool // folders of which all is known
	calls int
	files *image.Files
}

func newContainer(ctx context.Context, e *engine.Engine, name string, about engine.Image, id string, ours bool) *container {
	return &container{engine: e, name: name, about: about, id: id, ours: ours, asked: map[string]error{},
		whole: map[string]bool{}, files: image.NewFiles(image.NewBudget(ctx, 0))}
}

// created opens an image by a container of it that is never started; Close removes that, whatever happened to the context.
// Where the engine makes none (a volume over a file, for one), the image's layers are read.
func created(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (image.Image, error) {
	c := newContainer(ctx, e, ref, about, "optimizing-dockerfile-doctor-"+strings.ToLower(rand.Text()[:12]), true)
	// The command is a dummy, for images that have none; the folder keeps the engine from creating the image's WORKDIR.
	words := append([]string{"create", "--name", c.id, "--pull=never", "--network=none", "--workdir=/"}, engine.Ours()...)
	failed := c.call(ctx, append(words, "--", ref, "never-started")...)
	if failed == nil && ctx.Err() == nil {
		return c, nil
	}
	c.Close() // it may be there all the same
	img, err := saved(ctx, e, ref, about)
	if err != nil && ctx.Err() == nil {
		err = &image.Fault{Ref: ref, Err: failed}
	}
	return img, err
}

// call runs a command that is not cancelled half way: a container must have a known end.
func (c *container) call(ctx context.Context, words ...string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer stop()
	_, err := c.engine.Output(ctx, words...)
	return err
}

func (c *container) About() image.About { return aboutOf(c.name, c.about) }

// ask asks for a path, once.
func (c *container) ask(ctx context.Context, path string) error {
	err, asked := c.asked[path]
	if asked {
		return err
	}
	if slices.ContainsFunc(image.Above(path), func(up string) bool { return c.whole[up] }) {
		return &fs.PathError{Op: "lstat", Path: path, Err: fs.ErrNotExist}
	}
	if c.calls++; c.calls > maxAsked {
		return image.ErrTooLarge
	}
	err = c.engine.Stream(ctx, func(copied io.Reader) error {
		added, whole, err := c.files.Add(copied, path, along)
		for _, at := range added {
			c.asked[at] = nil
		}
		c.whole[path] = whole
		return err
	}, "cp", c.id+":"+path, "-")
	var failed *engine.Failed
	if errors.As(err, &failed) && noSuchPath.MatchString(failed.Stderr) {
		err = &fs.PathError{Op: "lstat", Path: path, Err: fs.ErrNotExist}
	} else if !errors.Is(err, image.ErrTooLarge) {
		err = image.Failed(ctx, c.name, err)
	}
	c.asked[path] = err
	return err
}

// noSuchPath tells the engine's "there is no such file" from its other troubles.
var noSuchPath = regexp.MustCompile(`(?i)no such container:path|could not find the file|no such file or directory|not a directory`)

func (c *container) Lstat(ctx context.Context, path string) (image.Entry, error) {
	if err := c.ask(ctx, path); err != nil {
		return image.Entry{}, err
	}
	return c.files.Lstat(ctx, path)
}

func (c *container) Open(ctx context.Context, path string) (image.File, error) {
	if err := c.ask(ctx, path); err != nil {
		return nil, err
	}
	return c.files.Open(ctx, path)
}

// Deep is the image with every layer.
func (c *container) Deep(ctx context.Context) (image.Image, error) {
	return saved(ctx, c.engine, c.about.ID, c.about)
}

// Close removes what was made for the reading.
func (c *container) Close() error {
	c.files.Discard()
	if !c.ours {
		return nil
	}
	if err := c.call(context.Background(), "rm", "--force", "--volumes", c.id); err != nil {
		return fmt.Errorf("the container %s could not be removed: %w", c.id, err)
	}
	return nil
}
