// Package source reads an engine's images for the doctor: it asks for single files of
// a large one, and for everything of a small one.
package source

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

// wholeTree is up to which size the files of an image are read in one go: one
// command that brings 30 MB is faster than ten that bring a file each.
const wholeTree = 32 << 20

// farewell is how long the engine may take to create or remove a container.
const farewell = 30 * time.Second

// FromEngine opens an image that the engine has, for reading. It creates a
// container that is never started and asks it for the few files that matter;
// Close removes the container, whatever happened to the context.
// The error is a *image.NotFound, an *image.Fault, or the context's.
func FromEngine(ctx context.Context, e *engine.Engine, ref string) (image.Image, error) {
	// The container is created while the engine says what the image is.
	c := &container{ctx: ctx, engine: e, ref: ref}
	created := make(chan error, 1)
	go func() { _, err := c.create(); created <- err }()
	about, err := inspect(ctx, e, ref)
	failed := <-created
	if err != nil {
		c.Close()
		return nil, err
	}
	return c.opened(about, failed)
}

// Described is FromEngine for an image that the engine has described already.
func Described(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (image.Image, error) {
	c := &container{ctx: ctx, engine: e, ref: ref}
	_, failed := c.create()
	return c.opened(about, failed)
}

// opened goes on where the engine has made a container of the image, or failed to.
func (c *container) opened(about engine.Image, failed error) (image.Image, error) {
	ctx, e, ref := c.ctx, c.engine, c.ref
	c.about = about
	if c.theirs == "" && len(c.names) > 0 {
		c.read = c.names[0]
	}
	switch {
	case ctx.Err() != nil:
		c.Close()
		return nil, ctx.Err()
	case failed != nil:
		// The image is there, and the engine makes no container of it (a volume
		// over a file, for one): its layers can still be read.
		c.Close()
		img, err := saved(ctx, e, ref, about)
		if err != nil && ctx.Err() == nil {
			err = &image.Fault{Ref: ref, Err: failed}
		}
		return img, err
	}
	// podman's cp follows links: it cannot show them. docker's shows what is mounted, too.
	if e.Name != "podman" && (about.Listed > wholeTree || c.mounted) {
		return newByPath(c), nil
	}
	all, err := export(ctx, c)
	switch {
	case err == nil:
		return all, nil
	case errors.Is(err, errTooMuch):
		return newByPath(c), nil
	}
	c.Close()
	if ctx.Err() == nil {
		err = &image.Fault{Ref: ref, Err: err}
	}
	return nil, err
}

// container is what both ways of reading from an engine share: the containers
// that were created, never started, for one image.
type container struct {
	ctx     context.Context
	engine  *engine.Engine
	ref     string
	about   engine.Image
	read    string // the container that is read
	mounted bool   // it has volumes
	theirs  string // a container of somebody else's that is read; "" one of ours

	mu    sync.Mutex
	names []string // of ours
}

func (c *container) Name() string         { return cmp.Or(c.theirs, c.ref) }
func (c *container) ID() string           { return c.about.ID }
func (c *container) Config() image.Config { return configIn(c.about) }

// create makes a container. The command is a dummy, for images that have none;
// the folder keeps the engine from creating the image's WORKDIR. It is not
// cancelled half way: a container must have a known end.
func (c *container) create() (name string, err error) {
	name = containerName()
	c.mu.Lock()
	c.names = append(c.names, name)
	c.mu.Unlock()
	args := append([]string{"create", "--name", name, "--pull=never", "--network=none", "--workdir=/"}, engine.Ours()...)
	ctx, stop := context.WithTimeout(context.WithoutCancel(c.ctx), farewell)
	defer stop()
	if _, err = c.engine.Output(ctx, append(args, "--", c.ref, "never-started")...); err != nil && ctx.Err() == nil {
		c.mu.Lock()
		c.names = slices.DeleteFunc(c.names, func(n string) bool { return n == name }) // there is none
		c.mu.Unlock()
	}
	return name, err
}

// Close removes the containers, with a time of its own.
func (c *container) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.names) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(c.ctx), farewell)
	defer stop()
	_, err := c.engine.Output(ctx, append([]string{"rm", "--force", "--volumes"}, c.names...)...)
	if err != nil {
		return fmt.Errorf("the containers %s could not be removed: %w", strings.Join(c.names, " "), err)
	}
	c.names = nil
	return nil
}

func containerName() string {
	var b [6]byte
	rand.Read(b[:])
	return "optimizing-dockerfile-doctor-" + hex.EncodeToString(b[:])
}

// inspect asks the engine what an image is. The error is a *image.NotFound, an *image.Fault, or the context's.
func inspect(ctx context.Context, e *engine.Engine, ref string) (engine.Image, error) {
	about, err := e.FindImage(ctx, ref)
	switch {
	case ctx.Err() != nil:
		return engine.Image{}, ctx.Err()
	case err == nil && about == nil:
		return engine.Image{}, &image.NotFound{Ref: ref, Reason: "build or pull it first (`" + e.Name + " images` lists what is there)"}
	case err == nil:
		err = configIn(*about).TooLong()
	}
	if err != nil {
		return engine.Image{}, &image.Fault{Ref: ref, Err: err}
	}
	return *about, nil
}

// configIn is the config in what the engine says of an image.
func configIn(i engine.Image) image.Config {
	return image.ConfigOf(&v1.ConfigFile{OS: i.OS, Architecture: i.Architecture, Variant: i.Variant, Config: i.Config})
}

// FromContainer opens a container that somebody made, whether it runs, has ended or was never started: with its own
// files, and its own config. It is left as it is. The error is as FromEngine's.
func FromContainer(ctx context.Context, e *engine.Engine, name string) (image.Image, engine.Container, error) {
	it, err := e.Inspect(ctx, name)
	var failed *engine.Failed
	switch {
	case ctx.Err() != nil:
		return nil, it, ctx.Err()
	case errors.As(err, &failed) && strings.Contains(strings.ToLower(failed.Stderr), "no such container"):
		return nil, it, fmt.Errorf("no container %q: `%s ps --all` lists those that are there", name, e.Name)
	case err != nil:
		return nil, it, &image.Fault{Ref: name, Err: err}
	}
	about, err := inspect(ctx, e, it.Image)
	if err != nil {
		return nil, it, err
	}
	argv := append([]string{it.Path}, it.Args...)
	if len(argv) == 2 && it.Config.Entrypoint == any(argv[1]) && len(it.Config.Cmd) == 0 { // podman says it twice
		argv = argv[:1]
	}
	if at := slices.Index(argv, "--"); e.Name == "podman" && it.HostConfig.Init && at > 0 { // there the init is among the words
		argv = argv[at+1:]
	}
	words := len(about.Config.Entrypoint)
	if list, ok := it.Config.Entrypoint.([]any); ok {
		words = len(list)
	} else if len(argv) < words || !slices.Equal(argv[:words], about.Config.Entrypoint) {
		words = 0
	}
	about.Config.Entrypoint, about.Config.Cmd = argv[:words:words], argv[words:]
	about.Config.Env, about.Config.User, about.Config.WorkingDir = it.Config.Env, it.Config.User, it.Config.WorkingDir
	about.Config.Volumes = nil // mounted, if the engine took them
	c := &container{ctx: ctx, engine: e, ref: about.ID, theirs: name, read: it.ID, mounted: len(it.Mounts) > 0}
	img, err := c.opened(about, nil)
	return img, it, err
}
