package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A registry that takes longer than silence for the next piece falls silent. What it announces for an image has a bound.
const (
	silence  = 30 * time.Second
	piece    = 64 << 10
	mostSent = 64 << 30
)

// FromRegistry opens an image in a registry, without an engine, as whom docker or podman keeps a login for. p chooses
// in an index of several platforms; with must, it has to be among them. The error is as FromFile's.
func FromRegistry(ctx context.Context, ref string, p Platform, must bool) (Image, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, &NotFound{ref, err.Error()}
	}
	r := &layered{about: About{Name: ref}}
	r.ctx, r.giveUp = context.WithCancelCause(ctx)
	r.all = NewFiles(NewBudget(r.ctx, 0))
	if err = r.open(parsed, p, must); err != nil {
		err = r.failed(ctx, err)
		r.Close()
		return nil, err
	}
	return r, nil
}

// layered is an image of which the layers are read from the topmost down, each for itself, and no more of
// them than the questions take.
type layered struct {
	store
	ctx      context.Context
	giveUp   context.CancelCauseFunc
	got      atomic.Int64     // bytes that came
	sizes    map[string]int64 // of the layers, by their digests
	of       int64            // the sum of them all
	about    About
	manifest *v1.Manifest
	diffs    []string // the digests of the layers unpacked
	all      *Files   // the layers laid over each other, once that was asked for
	layers   []*Files // from the lowest up; nil: not read
	read     int      // how many were
	enough   bool
}

// errUnread is for questions that are not worth a layer.
const errUnread spent = "a layer that was not read would have to be"

func (r *layered) open(ref name.Reference, p Platform, must bool) error {
	transport := remote.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = silence
	puller, err := remote.NewPuller(remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(counted{r, transport}),
		remote.WithUserAgent("optimizing-dockerfile"))
	if err != nil {
		return err
	}
	repo := ref.Context()
	r.store = store{r.all.budget, func(file string) (io.ReadCloser, error) {
		layer, err := puller.Layer(r.ctx, repo.Digest(path.Base(path.Dir(file))+":"+path.Base(file)))
		if err != nil {
			return nil, err
		}
		return layer.Compressed()
	}}
	first, err := puller.Get(r.ctx, ref)
	if err != nil {
		return err
	}
	r.manifest, err = manifestIn(first.Manifest, first.MediaType, r.about.Name, "", p, must, func(h v1.Hash) ([]byte, error) {
		further, err := puller.Get(r.ctx, repo.Digest(h.String()))
		if err != nil {
			return nil, err
		}
		return further.Manifest, nil
	})
	if err != nil {
		return err
	}
	r.layers, r.sizes = make([]*Files, len(r.manifest.Layers)), map[string]int64{}
	for _, l := range r.manifest.Layers {
		if r.sizes[l.Digest.String()] = l.Size; l.Size < 0 || l.Size > mostSent-r.of {
			return fmt.Errorf("its manifest speaks of layers of more than %d GB", mostSent>>30)
		}
		r.of += l.Size
	}
	r.about, r.diffs, err = r.config(r.about.Name, recipeOf(r.manifest))
	return err
}

// failed is Failed, with the reason why this end has cut the line.
func (r *layered) failed(ctx context.Context, err error) error {
	return Failed(ctx, r.about.Name, cmp.Or(context.Cause(r.ctx), err))
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
		return nil, r.failed(ctx, err)
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

// Deep is the same image with every layer, one laid over the other.
func (r *layered) Deep(ctx context.Context) (Image, error) {
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
	r.giveUp(context.Canceled)
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
	return Read{Bytes: r.got.Load(), Of: r.of, Layers: r.read, OfLayers: len(r.manifest.Layers)}
}

// counted counts what a registry sends, and cuts the line where it falls silent.
type counted struct {
	*layered
	http.RoundTripper
}

func (c counted) RoundTrip(request *http.Request) (*http.Response, error) {
	first := request
	for hops := 0; first.Response != nil; hops++ { // it was sent on from there
		if first = first.Response.Request; hops == 10 {
			return nil, errors.New("the registry sends from one address to the next without end")
		}
	}
	answer, err := c.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	size, layer := c.sizes[path.Base(first.URL.Path)]
	if !layer || !strings.Contains(first.URL.Path, "/blobs/") {
		size = maxDocument
	}
	body := &countedBody{layered: c.layered, ReadCloser: answer.Body, left: size, most: size}
	body.silent = time.AfterFunc(silence, func() {
		c.giveUp(fmt.Errorf("the registry has sent next to nothing for %v", silence))
	})
	answer.Body = body
	return answer, nil
}

type countedBody struct {
	*layered
	io.ReadCloser
	silent     *time.Timer
	left, most int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if before := c.left / piece; before != (c.left-int64(n))/piece {
		c.silent.Reset(silence)
	}
	c.got.Add(int64(n))
	c.budget.unpacked += perByte * int64(n)
	if c.left -= int64(n); c.left < 0 && err == nil {
		err = fmt.Errorf("the registry's answer has over %d bytes, more than it may have", c.most)
	}
	if err != nil {
		c.silent.Stop()
	}
	return n, err
}

func (c *countedBody) Close() error {
	c.silent.Stop()
	return c.ReadCloser.Close()
}
