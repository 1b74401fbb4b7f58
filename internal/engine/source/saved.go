package source

import (
	"context"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

// FromEngineDeep opens an image of the engine with every layer and every file
// of it, by `save`: slow, as much as the image is large. Otherwise it is as FromEngine.
func FromEngineDeep(ctx context.Context, e *engine.Engine, ref string) (image.Image, error) {
	about, err := inspect(ctx, e, ref)
	if err != nil {
		return nil, err
	}
	return Saved(ctx, e, ref, about)
}

// Saved is FromEngineDeep for an image that the engine has described already.
func Saved(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (image.Image, error) {
	files, err := readSaved(ctx, e, ref)
	if err != nil {
		return nil, image.Failed(ctx, ref, err)
	}
	return image.Of(files, ref, about.ID, configIn(about)), nil
}

// Deep is the same image with every layer.
func (c *container) Deep(ctx context.Context) (image.Image, error) {
	return Saved(ctx, c.engine, c.ref, c.about)
}

func readSaved(ctx context.Context, e *engine.Engine, ref string) (*image.Files, error) {
	s, err := image.NewSpool()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := e.Run(ctx, nil, s.File(), nil, saveWords(e, ref)...); err != nil {
		return nil, err
	}
	if _, err := s.File().Seek(0, 0); err != nil {
		return nil, err
	}
	return image.ReadSaved(ctx, s.File(), ref)
}

func saveWords(e *engine.Engine, ref string) []string {
	if e.Name == "podman" {
		return []string{"save", "--format=docker-archive", ref}
	}
	return []string{"save", ref}
}
