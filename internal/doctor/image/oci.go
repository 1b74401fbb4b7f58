package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func fromLayout(ctx context.Context, dir, tag string, p Platform) (Image, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Stat("index.json"); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("it holds no index.json: it is no OCI layout\n" +
			"Other folders are not read (an unpacked `docker save`, podman's docker-dir): give the doctor a tarball, " +
			"such as `docker save -o image.tar IMAGE` writes")
	}
	s := layoutFolder(root, NewBudget(ctx, 0))
	r, err := s.indexed(dir, tag, p)
	if err != nil {
		return nil, err
	}
	return s.image(dir, r)
}

// indexed reads what an OCI layout has of an image (image-layout.md).
func (s store) indexed(name, tag string, p Platform) (recipe, error) {
	text, err := s.document("index.json")
	if err != nil {
		return recipe{}, err
	}
	m, err := manifestIn(text, types.OCIImageIndex, name, tag, p, false, func(h v1.Hash) ([]byte, error) { return s.document(blob(h)) })
	if err != nil {
		return recipe{}, err
	}
	return recipeOf(m), nil
}

func recipeOf(m *v1.Manifest) recipe {
	r := recipe{Config: blob(m.Config.Digest)}
	for _, l := range m.Layers {
		r.Layers = append(r.Layers, blob(l.Digest))
	}
	return r
}

// manifestIn follows what a layout or a registry has of a name, as far as to the manifest of one image: an index may
// name indexes. With must, that has to be for the platform.
func manifestIn(text []byte, kind types.MediaType, name, tag string, p Platform, must bool,
	fetch func(v1.Hash) ([]byte, error)) (*v1.Manifest, error) {
	for range 5 {
		if err := listsTooMuch(text); err != nil {
			return nil, err
		}
		if !kind.IsIndex() {
			m, err := v1.ParseManifest(bytes.NewReader(text))
			if err != nil {
				return nil, fmt.Errorf("its manifest makes no sense: %w", err)
			}
			if !kind.IsImage() {
				return nil, fmt.Errorf("what has that name is no image: %s", kind)
			}
			return m, nil
		}
		index, err := v1.ParseIndexManifest(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("its index makes no sense: %w", err)
		}
		chosen, err := pick(index, name, tag, p)
		if err != nil {
			return nil, err
		}
		if must && chosen.Platform != nil && !p.has(chosen) {
			return nil, &NotFound{name, "the registry has it for " + platforms(index) + ", and not for " + p.String()}
		}
		kind, tag = chosen.MediaType, "" // chosen
		if text, err = fetch(chosen.Digest); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("its indexes name each other without end")
}

// nameAnnotation holds an image's tag in a layout's index.
const nameAnnotation = "org.opencontainers.image.ref.name"

// pick takes the image for the platform; attestations are none.
func pick(index *v1.IndexManifest, name, tag string, p Platform) (v1.Descriptor, error) {
	var all []v1.Descriptor
	var tags []string
	for _, d := range index.Manifests {
		if d.Platform != nil && d.Platform.OS == "unknown" || !d.MediaType.IsIndex() && !d.MediaType.IsImage() {
			continue
		}
		called := d.Annotations[nameAnnotation]
		if called != "" {
			tags = append(tags, called)
		}
		if tag == "" || sameTag(called, tag) {
			all = append(all, d)
		}
	}
	if i := slices.IndexFunc(all, p.has); i >= 0 {
		return all[i], nil
	}
	if len(all) == 1 || len(all) > 1 && all[0].Platform != nil {
		return all[0], nil // none is for this machine; that is for the doctor to say
	}
	return v1.Descriptor{}, choose(name, tag, len(all), tags)
}

// has says whether an image says that it is for the platform.
func (p Platform) has(d v1.Descriptor) bool {
	return d.Platform != nil && d.Platform.Architecture == p.Arch && d.Platform.OS == p.OS
}

func blob(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

func platforms(index *v1.IndexManifest) string {
	var all []string
	for _, d := range index.Manifests {
		if d.Platform != nil && d.Platform.OS != "unknown" {
			all = append(all, d.Platform.String())
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
