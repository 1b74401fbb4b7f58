package base

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	oci "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// Portable gives a base as it can be carried to where there is no network: with
// the app's modules in it. A stand-in has them; to the image itself they are added,
// and the result is named and found again like a stand-in.
func Portable(ctx context.Context, e *engine.Engine, b Base, say screen.Reporter) (*Ready, error) {
	if found, err := standIn(ctx, e, b); found != nil || err != nil {
		return found, err
	}
	ready, err := Ensure(ctx, e, b, say)
	if err != nil || ready.StandInFor != "" {
		return ready, err
	}
	if b.Recipe == nil {
		return nil, fmt.Errorf("base %s has no recipe: nothing says which modules it must carry", b.ID)
	}
	made, err := b.make(ctx, e, ready.Image, say)
	if err != nil {
		err = fmt.Errorf("the app's modules cannot be added to %s: %w", b.Image, err)
	}
	return made, err
}

// loadedName is a second name of the stand-in that came out of a bundle: the image
// itself cannot tell.
func loadedName(standIn string) string { return strings.Replace(standIn, "/base:", "/loaded:", 1) }

// NoteLoaded sees to it that an image is the stand-in that a recipe makes, and
// remembers that it was loaded.
func NoteLoaded(ctx context.Context, e *engine.Engine, name, recipe string) error {
	found, err := madeBy(ctx, e, name, recipe)
	if found == nil {
		return cmp.Or(err, fmt.Errorf("what %s has loaded is not the %s that was expected", e.Name, name))
	}
	_, err = e.Output(ctx, "tag", name, loadedName(name))
	return err
}

// Layout writes an engine's image into dir as an OCI layout, for builders that cannot see
// the engine's images. It returns what such a builder is given: NAME=FOLDER@DIGEST.
func Layout(ctx context.Context, e *engine.Engine, image, dir string, say screen.Reporter) (given string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s cannot be handed to the builder: %w", image, err)
		}
	}()
	screen.Sayf(say, "handing %s to the builder, which cannot see this engine's images", image)
	saved, folder := filepath.Join(dir, "saved.tar"), filepath.Join(dir, "oci")
	defer os.Remove(saved)
	if err := e.Run(ctx, nil, nil, nil, "save", "--output", saved, image); err != nil {
		return "", err
	}
	img, err := tarball.ImageFromPath(saved, nil)
	if err != nil {
		return "", err
	}
	if _, err := oci.Write(folder, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})); err != nil {
		return "", err
	}
	digest, err := img.Digest()
	return image + "=" + filepath.ToSlash(folder) + "@" + digest.String(), err
}
