package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// mostSent bounds what a manifest may announce of an image: bytes.
const mostSent = 64 << 30

// Registry gives an image's parts by their digests.
type Registry interface {
	// Manifest gives a manifest or an index, and of what type it is; "" is that of the image that was asked for.
	Manifest(ctx context.Context, digest string) ([]byte, types.MediaType, error)
	// Blob opens a config or a layer, as it is stored.
	Blob(ctx context.Context, digest string) (io.ReadCloser, error)
}

// FromRegistry opens the image ref, whose layers are read from the topmost down, each for itself, and no more of them
// than the questions take. p chooses in an index of several platforms; with must, it has to be among them. The error
// is as FromFile's.
func FromRegistry(ctx context.Context, ref string, p Platform, must bool, from Registry) (Image, error) {
	r := &layered{about: About{Name: ref}, all: NewFiles(NewBudget(ctx, 0))}
	if err := r.open(ctx, from, p, must); err != nil {
		r.Close()
		return nil, Failed(ctx, ref, err)
	}
	return r, nil
}

// layered is an image of which some layers are read.
type layered struct {
	store
	got      int64            // bytes that came
	sizes    map[string]int64 // of the layers, by their digests
	of       int64            // the sum of them all
	about    About
	manifest *v1.Manifest
	diffs    []string // the digests of the layers unpacked
	all      *Files   // the budget and the spool of all layers; and these laid over each other, once that was asked for
	layers   []*Files // from the lowest up; nil: not read
	read     int      // how many were
	enough   bool
}

// errUnread is for questions that are not worth a layer.
const errUnread spent = "a layer that was not read would have to be"

func (r *layered) open(ctx context.Context, from Registry, p Platform, must bool) error {
	r.store = store{r.all.budget, func(file string) (io.ReadCloser, error) {
		digest := path.Base(path.Dir(file)) + ":" + path.Base(file)
		blob, err := from.Blob(ctx, digest)
		if err != nil {
			return nil, err
		}
		size, layer := r.sizes[digest]
		if !layer {
			size = MaxDocument
		}
		return &announced{blob, r, size, size}, nil
	}}
	fetch := func(digest string) (content []byte, kind types.MediaType, err error) {
		content, kind, err = from.Manifest(ctx, digest)
		r.got += int64(len(content))
		return content, kind, err
	}
	first, kind, err := fetch("")
	if err != nil {
		return err
	}
	r.manifest, err = manifestIn(first, kind, r.about.Name, "", p, must, func(h v1.Hash) ([]byte, error) {
		further, _, err := fetch(h.String())
		return further, err
	})
	if err != nil {
		return err
	}
	r.layers, r.sizes = make([]*Files, len(r.manifest.Layers)), map[string]int64{}
	for _, l := range r.manifest.Layers {
		if r.sizes[l.Digest.String()] = l.Size; l.Size < 0 || l.Size > mostSent-r.of {
			return fmt.Errorf("its manifest speaks of layers of more than %d GB, or of less than nothing", mostSent>>30)
		}
		r.of += l.Size
	}
	r.about, r.diffs, err = r.config(r.about.Name, recipeOf(r.manifest))
	return err
}

func (r *layered) About() About { return r.about }

// layer reads one, where that was not done yet.
func (r *layered) layer(ctx context.Context, i int) (*Files, error) {
	if r.layers[i] != nil {
		return r.layers[i], nil
	}
	if r.enough {
		return nil, errUnread
	}
	layer, err := r.all.load(r.store, i+1, blob(r.manifest.Layers[i].Digest), r.diffs[i])
	switch {
	case errors.Is(err, ErrTooLarge):
		return nil, err
	case err != nil:
		return nil, Failed(ctx, r.about.Name, err)
	}
	r.layers[i] = layer
	r.read++
	return layer, nil
}

// find looks for what lies at a path, nil for nothing: in the topmost layer that knows, or that says that there is nothing.
func (r *layered) find(ctx context.Context, at string) (*node, error) {
	var implied *node // a folder, by what a layer has in it; a lower one may say whose it is
	for i := len(r.layers) - 1; i >= 0; i-- {
		layer, err := r.layer(ctx, i)
		if err != nil {
			return nil, err
		}
		n := layer.find(at)
		switch {
		case n == nil:
		case !n.implied && (implied == nil || n.isDir()):
			return n, nil
		case !n.isDir():
			return implied, nil
		case implied == nil:
			implied = n
		}
		if layer.covered(at) {
			break
		}
	}
	return implied, nil
}

func (r *layered) Lstat(ctx context.Context, at string) (Entry, error) {
	n, err := r.find(ctx, at)
	if err != nil {
		return Entry{}, err
	}
	return n.at(at)
}

func (r *layered) Open(ctx context.Context, at string) (File, error) {
	n, err := r.find(ctx, at)
	if err != nil {
		return nil, err
	}
	return n.open(at, r.all.spool)
}

// Deep is the same image with every layer, one laid over the other. They are laid once.
func (r *layered) Deep(ctx context.Context) (Image, error) {
	if len(r.layers) == 1 && r.layers[0] == r.all {
		return Of(r.all, r.about, true), nil
	}
	for i := range r.layers {
		if _, err := r.layer(ctx, i); err != nil {
			return nil, err
		}
	}
	layers := r.layers
	r.layers, r.enough = make([]*Files, 1), true
	for i, layer := range layers {
		if err := r.all.lay(layer, i+1); err != nil {
			return nil, err
		}
	}
	r.layers[0] = r.all
	return Of(r.all, r.about, true), nil
}

func (r *layered) Close() error {
	r.all.Discard()
	return nil
}

// Read is how much of an image was fetched.
type Read struct {
	Bytes    int64 `json:"bytes"`  // of all that came from the registry
	Of       int64 `json:"of"`     // of all layers, as they are stored there
	Layers   int   `json:"layers"` // that were read
	OfLayers int   `json:"of_layers"`
}

// Enough ends the reading: no further layer is worth what is asked from here on. It says how much was fetched.
func (r *layered) Enough() Read {
	r.enough = true
	return Read{Bytes: r.got, Of: r.of, Layers: r.read, OfLayers: len(r.manifest.Layers)}
}

// announced is a blob that may not be larger than its manifest announces, or a config than any is.
type announced struct {
	io.ReadCloser
	of         *layered
	left, size int64
}

func (a *announced) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	a.of.got += int64(n)
	a.of.budget.unpacked += perByte * int64(n)
	if a.left -= int64(n); a.left < 0 && err == nil {
		err = fmt.Errorf("the registry sends over %d bytes of it, more than it may have", a.size)
	}
	return n, err
}
