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
	about, err := inspect(ctx, e, it.Setup.Image)
	if err != nil {
		return nil, it, err
	}
	own := it.Setup
	argv := append([]string{own.Path}, own.Args...)
	if len(argv) == 2 && own.Config.Entrypoint == any(argv[1]) && len(own.Config.Cmd) == 0 { // podman says it twice
		argv = argv[:1]
	}
	if at := slices.Index(argv, "--"); e.Name == "podman" && own.HostConfig.Init && at > 0 { // there the init is among the words
		argv = argv[at+1:]
	}
	words := len(about.Config.Entrypoint)
	if list, ok := own.Config.Entrypoint.([]any); ok {
		words = len(list)
	} else if len(argv) < words || !slices.Equal(argv[:words], about.Config.Entrypoint) {
		words = 0
	}
	about.Config.Entrypoint, about.Config.Cmd = argv[:words:words], argv[words:]
	about.Config.Env, about.Config.User, about.Config.WorkingDir = own.Config.Env, own.Config.User, own.Config.WorkingDir
	about.Config.Volumes = nil // mounted, if the engine took them
	c := &container{ctx: ctx, engine: e, ref: about.ID, theirs: name, read: it.ID, mounted: len(own.Mounts) > 0}
	img, err := c.opened(about, nil)
	return img, it, err
}
