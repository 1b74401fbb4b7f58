package bundle

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/engine"
)

// Load gives the engine the bases that fit it, and has it remembered where they came from.
func (b *Bundle) Load(ctx context.Context, e *engine.Engine, say base.Progress) error {
	fit, err := b.For(e.Arch)
	if err != nil {
		return err
	}
	for _, image := range fit {
		content, _, err := b.Entry(image.File)
		if err != nil {
			return err
		}
		say(fmt.Sprintf("loading %s (%s) into %s", image.Image, rebuild.MB(image.Bytes), e.Name))
		plain, err := gzip.NewReader(content) // podman takes nothing else from its stdin
		if err != nil {
			return err
		}
		if err := e.Run(ctx, plain, nil, nil, "load"); err != nil {
			return fmt.Errorf("%s cannot load %s: %w", e.Name, image.Image, err)
		}
		if err := named(ctx, e, image.Image); err != nil {
			return err
		}
		if err := base.NoteLoaded(ctx, e, image.Image, image.Recipe); err != nil {
			return err
		}
	}
	return nil
}

// named gives an image the name that it has in the bundle. One that podman saved
// is named localhost/NAME, which only podman takes for the same.
func named(ctx context.Context, e *engine.Engine, name string) error {
	var none *engine.NoSuchImage
	if _, err := e.InspectImage(ctx, name); !errors.As(err, &none) {
		return err
	}
	if _, err := e.Call(ctx, "tag", "localhost/"+name, name); err != nil {
		return fmt.Errorf("%s has loaded no %s: %w", e.Name, name, err)
	}
	_, err := e.Call(ctx, "rmi", "localhost/"+name)
	return err
}
