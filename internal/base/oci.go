package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	oci "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// Layout writes an engine's image as an OCI layout, for builders that cannot see
// the engine's images. It returns what such a builder is given: NAME=FOLDER@DIGEST,
// and the folder, to be removed after the builds.
func Layout(ctx context.Context, e *engine.Engine, image string, say screen.Reporter) (given, dir string, err error) {
	if dir, err = os.MkdirTemp("", engine.Repository+"-"); err != nil {
		return "", "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s cannot be handed to the builder: %w", image, err), os.RemoveAll(dir))
		}
	}()
	screen.Sayf(say, "handing %s to the builder, which cannot see this engine's images", image)
	saved := filepath.Join(dir, "saved.tar")
	if err := e.Run(ctx, nil, nil, nil, "save", "--output", saved, image); err != nil {
		return "", "", err
	}
	img, err := tarball.ImageFromPath(saved, nil)
	if err != nil {
		return "", "", err
	}
	path, err := oci.Write(filepath.Join(dir, "oci"), empty.Index)
	if err != nil {
		return "", "", err
	}
	if err := path.AppendImage(img); err != nil {
		return "", "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", "", err
	}
	return image + "=" + filepath.ToSlash(filepath.Join(dir, "oci")) + "@" + digest.String(), dir, os.Remove(saved)
}
