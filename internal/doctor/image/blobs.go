package image

import (
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
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A registry that takes longer than silence for the next piece falls silent. What it announces for an image has a bound.
const (
	silence  = 30 * time.Second
	piece    = 64 << 10
	mostSent = 64 << 30
)

// blobs is a repository in a registry, as a store.
type blobs struct {
	ctx    context.Context
	giveUp context.CancelCauseFunc
	repo   name.Repository
	puller *remote.Puller
	budget *Budget
	got    atomic.Int64     // bytes that came
	sizes  map[string]int64 // of the layers, by their digests
}

func newBlobs(ctx context.Context, repo name.Repository) (*blobs, error) {
	b := &blobs{repo: repo}
	b.ctx, b.giveUp = context.WithCancelCause(ctx)
	b.budget = NewBudget(b.ctx, 0)
	line := remote.DefaultTransport.(*http.Transport).Clone()
	line.ResponseHeaderTimeout = silence
	var err error
	b.puller, err = remote.NewPuller(remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(counted{b, line}),
		remote.WithUserAgent("optimizing-dockerfile"))
	return b, err
}

// why gives the reason of an error, where this end has cut the line.
func (b *blobs) why(err error) error {
	if cause := context.Cause(b.ctx); cause != nil {
		return cause
	}
	return err
}

func (b *blobs) limits() *Budget { return b.budget }

func (b *blobs) open(file string) (io.ReadCloser, error) {
	layer, err := b.puller.Layer(b.ctx, b.repo.Digest(path.Base(path.Dir(file))+":"+path.Base(file)))
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}

// counted counts what a registry sends, and cuts the line where it falls silent.
type counted struct {
	*blobs
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
	body := &countedBody{blobs: c.blobs, ReadCloser: answer.Body, left: size, most: size}
	body.silent = time.AfterFunc(silence, func() {
		c.giveUp(fmt.Errorf("the registry has sent next to nothing for %v", silence))
	})
	answer.Body = body
	return answer, nil
}

type countedBody struct {
	*blobs
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
