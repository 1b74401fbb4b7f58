package image

import (
	"context"

	"optimizing-dockerfile/scripts/internal/engine"
)

// FromEngineDeep opens an image of the engine with every layer and every file
// of it, by `save`: slow, as much as the image is large. Otherwise it is as FromEngine.
func FromEngineDeep(ctx context.Context, e *engine.Engine, ref string) (Image, error) {
	about, err := inspect(ctx, e, ref)
	if err != nil {
		return nil, err
	}
	return Saved(ctx, e, ref, about)
}

// Saved is FromEngineDeep for an image that the engine has described already.
func Saved(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (Image, error) {
	img, err := readSaved(ctx, e, ref, about)
	return finish(ctx, img, ref, err)
}

// Deep is the same image with every layer.
func (c *container) Deep(ctx context.Context) (Image, error) {
	return Saved(ctx, c.engine, c.ref, c.about)
}

func readSaved(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (*archived, error) {
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	args := []string{"save"}
	if e.Name == "podman" {
		args = append(args, "--format=docker-archive")
	}
	if err := e.Run(ctx, nil, s.file, nil, append(args, ref)...); err != nil {
		return nil, err
	}
	if _, err := s.file.Seek(0, 0); err != nil {
		return nil, err
	}
	t, err := openTarball(s.file)
	if err != nil {
		return nil, err
	}
	img, err := fromSave(ctx, t, ref, "", Platform{e.OS, e.Arch})
	if err != nil {
		return nil, err
	}
	img.id, img.config = about.ID, configIn(about)
	return img, nil
}
