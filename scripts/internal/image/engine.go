package image

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sort"
	"strings"
	"time"

	"optimizing-dockerfile/scripts/internal/engine"
)

// wholeTree is up to which size the files of an image are read in one go: one
// command that brings 30 MB is faster than ten that bring a file each.
const wholeTree = 32 << 20

// farewell is how long the engine may take to remove the container that we created.
const farewell = 30 * time.Second

// FromEngine opens an image that the engine has, for reading. It creates a
// container that is never started and asks it for the few files that matter;
// Close removes the container, whatever happened to the context.
// The error is a *NotFound, a *Fault, or the context's.
func FromEngine(ctx context.Context, e *engine.Engine, ref string) (Image, error) {
	// Neither is cancelled half way: a container must have a known end.
	created := make(chan error, 1)
	name := containerName()
	go func() { created <- create(context.WithoutCancel(ctx), e, name, ref) }()
	about, err := inspect(ctx, e, ref)
	if failed := <-created; failed == nil {
		defer func() {
			if err != nil {
				remove(ctx, e, name)
			}
		}()
	} else if err == nil {
		err = &Fault{ref, failed}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	container := &container{ctx: ctx, engine: e, name: name, about: *about}
	if about.Size > wholeTree && e.Name != "podman" { // podman's cp follows links: it cannot show them
		return &byPath{container: container, seen: map[string]*answer{}}, nil
	}
	var all *exported
	if all, err = export(ctx, container); err != nil {
		if errors.Is(err, errTooMuch) {
			err = nil
			return &byPath{container: container, seen: map[string]*answer{}}, nil
		}
		if ctx.Err() == nil {
			err = &Fault{ref, err}
		}
		return nil, err
	}
	return all, nil
}

// container is what both ways of reading from an engine share.
type container struct {
	ctx    context.Context
	engine *engine.Engine
	name   string
	about  about
}

func (c *container) Name() string   { return c.about.ref }
func (c *container) ID() string     { return c.about.ID }
func (c *container) Config() Config { return c.about.config }
func (c *container) Close() error   { return remove(c.ctx, c.engine, c.name) }

func containerName() string {
	var b [6]byte
	rand.Read(b[:])
	return "optimizing-dockerfile-doctor-" + hex.EncodeToString(b[:])
}

// create makes the container. The command is a dummy, for images that have
// none; the folder keeps the engine from creating the image's WORKDIR.
func create(ctx context.Context, e *engine.Engine, name, ref string) error {
	args := append([]string{"create", "--name", name, "--pull=never", "--network=none", "--workdir=/"}, engine.Ours()...)
	_, err := e.Output(ctx, append(args, "--", ref, "never-started")...)
	return err
}

func remove(ctx context.Context, e *engine.Engine, name string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer stop()
	_, err := e.Output(ctx, "rm", "--force", "--volumes", name)
	return err
}

// about is what `image inspect` says, as far as it is needed here.
type about struct {
	ID   string `json:"Id"`
	Size int64

	OS           string `json:"Os"`
	Architecture string
	Variant      string

	Config struct {
		Entrypoint, Cmd, Env, Shell []string
		WorkingDir, User            string
		Healthcheck                 *struct{ Test []string }
		Volumes, ExposedPorts       map[string]struct{}
	}

	ref    string
	config Config
}

func inspect(ctx context.Context, e *engine.Engine, ref string) (*about, error) {
	var out bytes.Buffer
	err := e.Run(ctx, nil, &out, nil, "image", "inspect", "--", ref)
	var failed *engine.Failed
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &failed) && missing(failed.Stderr):
		return nil, &NotFound{ref, "build or pull it first (`" + e.Name + " images` lists what is there)"}
	default:
		return nil, &Fault{ref, err}
	}
	var found []about
	if err := json.Unmarshal(out.Bytes(), &found); err != nil || len(found) != 1 {
		return nil, &Fault{ref, errors.New("`" + e.Name + " image inspect` printed what is not understood")}
	}
	a := &found[0]
	a.ref = ref
	c := a.Config
	a.config = Config{
		OS: a.OS, Architecture: a.Architecture, Variant: a.Variant,
		Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: c.Env, Shell: c.Shell,
		WorkingDir: c.WorkingDir, User: c.User,
		Volumes: sorted(c.Volumes), Ports: sorted(c.ExposedPorts),
	}
	if c.Healthcheck != nil {
		a.config.Healthcheck = c.Healthcheck.Test
	}
	return a, nil
}

// missing tells the engine's "there is no such image" from its other troubles.
func missing(words string) bool {
	words = strings.ToLower(words)
	for _, known := range []string{"no such image", "image not known", "unable to find image", "invalid reference format", "invalid repository name"} {
		if strings.Contains(words, known) {
			return true
		}
	}
	return false
}

func sorted(set map[string]struct{}) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
