package bundle

import (
	"context"
	"fmt"

	"optimizing-dockerfile/scripts/internal/base"
	"optimizing-dockerfile/scripts/internal/engine"
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
		say(fmt.Sprintf("loading %s (%s) into %s", image.Image, base.MB(image.Bytes), e.Name))
		if err := e.Run(ctx, content, nil, nil, "load"); err != nil {
			return fmt.Errorf("%s cannot load %s: %w", e.Name, image.Image, err)
		}
		if err := base.NoteLoaded(ctx, e, image.Image, image.Recipe); err != nil {
			return err
		}
	}
	return nil
}
