package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Image is what the engine says of an image.
type Image struct {
	ID      string   `json:"Id"`       // sha256:…
	Listed  int64    `json:"Size"`     // what the engine lists as its size; see source.Cache.Bytes
	Created string   `json:"Created"`  // when, in RFC 3339
	Tags    []string `json:"RepoTags"` // the names that it has
	RootFS  struct {
		Layers []string // their digests, uncompressed
	}

	OS           string `json:"Os"`
	Architecture string
	Variant      string
	Config       v1.Config

	Reused []string `json:"-"` // instructions that its build took from an earlier one; of Build
}

// NoSuchImage is the error of an image that is not in the engine.
type NoSuchImage struct{ Name string }

func (n *NoSuchImage) Error() string { return "no image " + n.Name + " in the engine" }

// InspectImage describes an image, by its name or ID, or fails with a *NoSuchImage.
func (e *Engine) InspectImage(ctx context.Context, name string) (Image, error) {
	text, err := e.Call(ctx, "image", "inspect", "--", name)
	var failed *Failed
	if errors.As(err, &failed) && saysAbsent(failed.Stderr) {
		return Image{}, &NoSuchImage{name}
	}
	if err != nil {
		return Image{}, err
	}
	var found []Image
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found) != 1 {
		return Image{}, fmt.Errorf("`%s image inspect %s` printed what cannot be read", e.Name, name)
	}
	found[0].ID = "sha256:" + strings.TrimPrefix(found[0].ID, "sha256:") // podman leaves it out here, but not in lists
	return found[0], nil
}

// Platform is what the image is for.
func (i Image) Platform() image.Platform { return image.Platform{OS: i.OS, Arch: i.Architecture} }

// FindImage is InspectImage, but nil and no error for an image that is not there.
func (e *Engine) FindImage(ctx context.Context, name string) (*Image, error) {
	found, err := e.InspectImage(ctx, name)
	var absent *NoSuchImage
	switch {
	case errors.As(err, &absent):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &found, nil
}

// saysAbsent knows how the engines say that there is no such image, nor can be
// one of that name.
func saysAbsent(words string) bool {
	words = strings.ToLower(words)
	for _, known := range []string{"no such image", "image not known", "unable to find image", "invalid reference format", "invalid repository name"} {
		if strings.Contains(words, known) {
			return true
		}
	}
	return false
}

// ours says whether its label claims it. An image built from ours has the label
// too, so that alone is not enough to remove it.
func (i Image) ours() bool { return i.Config.Labels[LabelMade] != "" }
