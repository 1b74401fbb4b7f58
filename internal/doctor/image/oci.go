package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// FromLayout opens an image in an OCI layout folder. Otherwise it is as FromTarball.
func FromLayout(ctx context.Context, dir, tag string, p Platform) (Image, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return finish(ctx, nil, dir, err)
	}
	defer root.Close()
	s := layoutFolder{root, NewBudget(ctx, 0), map[string]bool{}}
	if !s.has("index.json") {
		return nil, &Fault{dir, errors.New("it holds no index.json: it is no OCI layout\n" +
			"Other folders are not read (an unpacked `docker save`, podman's docker-dir); give the doctor a tarball: `docker save -o image.tar IMAGE`")}
	}
	img, err := fromIndex(ctx, s, dir, tag, p)
	return finish(ctx, img, dir, err)
}

// fromIndex reads an OCI layout (image-layout.md).
func fromIndex(ctx context.Context, s store, name, tag string, p Platform) (*archived, error) {
	index, err := parseIndex(s, "index.json")
	if err != nil {
		return nil, err
	}
	for range 4 { // an index may name indexes
		d, err := pick(index, name, tag, p)
		if err != nil {
			return nil, err
		}
		if !d.MediaType.IsIndex() {
			return fromManifest(ctx, s, name, d.Digest)
		}
		if index, err = parseIndex(s, blob(d.Digest)); err != nil {
			return nil, err
		}
		tag = "" // chosen
	}
	return nil, errors.New("its indexes name each other without end")
}

func parseIndex(s store, name string) (*v1.IndexManifest, error) {
	text, err := document(s, name)
	if err != nil {
		return nil, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("its %s makes no sense: %w", name, err)
	}
	return index, nil
}

// nameAnnotation holds an image's tag in a layout's index.
const nameAnnotation = "org.opencontainers.image.ref.name"

// pick takes the image for the platform; attestations are none.
func pick(index *v1.IndexManifest, name, tag string, p Platform) (v1.Descriptor, error) {
	var all, fit []v1.Descriptor
	var tags []string
	for _, d := range index.Manifests {
		if d.Platform != nil && d.Platform.OS == "unknown" || !d.MediaType.IsIndex() && !d.MediaType.IsImage() {
			continue
		}
		if called := d.Annotations[nameAnnotation]; called != "" {
			tags = append(tags, called)
		}
		if tag != "" && !sameTag(d.Annotations[nameAnnotation], tag) {
			continue
		}
		all = append(all, d)
		if d.Platform != nil && d.Platform.Architecture == p.Arch && d.Platform.OS == p.OS {
			fit = append(fit, d)
		}
	}
	switch {
	case len(fit) >= 1:
		return fit[0], nil
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1 && all[0].Platform != nil:
		return all[0], nil // none is for this machine; that is for the doctor to say
	}
	return v1.Descriptor{}, choose(name, tag, len(all), tags)
}

func blob(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

func fromManifest(ctx context.Context, s store, name string, digest v1.Hash) (*archived, error) {
	text, err := document(s, blob(digest))
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("its manifest makes no sense: %w", err)
	}
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, blob(l.Digest))
	}
	return build(ctx, s, name, blob(m.Config.Digest), layers)
}
