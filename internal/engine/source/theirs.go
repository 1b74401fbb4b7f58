package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

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
