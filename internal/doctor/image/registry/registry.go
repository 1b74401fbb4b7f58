// Package registry fetches images from a registry for the doctor, without an engine. It is a package of its own, so
// that who only reads images need not compile HTTP, TLS and logins first.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"optimizing-dockerfile/internal/doctor/image"
)

// A registry that takes longer than silence for the next piece counts as silent.
const (
	silence = 30 * time.Second
	piece   = 64 << 10
)

// Open opens an image in a registry, with the login that docker or podman keeps for it. p chooses in an index of
// several platforms; with must, it has to be among them. The error is as image.FromFile's.
func Open(ctx context.Context, ref string, p image.Platform, must bool) (image.Image, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, &image.NotFound{Ref: ref, Reason: err.Error()}
	}
	transport := remote.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = silence
	puller, err := remote.NewPuller(remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(bounded{transport}),
		remote.WithUserAgent("optimizing-dockerfile"))
	if err != nil {
		return nil, image.Failed(ctx, ref, err)
	}
	return image.FromRegistry(ctx, ref, p, must, fetcher{puller, parsed})
}

// fetcher is an image.Registry.
type fetcher struct {
	*remote.Puller
	image name.Reference
}

func (f fetcher) Manifest(ctx context.Context, digest string) ([]byte, types.MediaType, error) {
	which := f.image
	if digest != "" {
		which = which.Context().Digest(digest)
	}
	got, err := f.Get(ctx, which)
	if err != nil {
		return nil, "", err
	}
	return got.Manifest, got.MediaType, nil
}

func (f fetcher) Blob(ctx context.Context, digest string) (io.ReadCloser, error) {
	layer, err := f.Layer(ctx, f.image.Context().Digest(digest))
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}

// bounded cuts the line where a registry falls silent, and where an answer that is no blob (a manifest, an index, a
// login's token) has no end; how large a blob may be, its manifest says.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	first := request
	for hops := 0; first.Response != nil; hops++ { // it was sent on from there
		if first = first.Response.Request; hops == 10 {
			return nil, errors.New("the registry sends from one address to the next without end")
		}
	}
	ctx, giveUp := context.WithCancelCause(request.Context())
	answer, err := b.RoundTripper.RoundTrip(request.WithContext(ctx))
	if err != nil {
		giveUp(nil)
		return nil, err
	}
	body := &boundedBody{ReadCloser: answer.Body, ctx: ctx, giveUp: giveUp, blob: strings.Contains(first.URL.Path, "/blobs/")}
	body.silent = time.AfterFunc(silence, func() {
		giveUp(fmt.Errorf("the registry has sent next to nothing for %v", silence))
	})
	answer.Body = body
	return answer, nil
}

type boundedBody struct {
	io.ReadCloser
	ctx    context.Context
	giveUp context.CancelCauseFunc
	silent *time.Timer
	got    int64
	blob   bool
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	before := b.got / piece
	if b.got += int64(n); b.got/piece != before {
		b.silent.Reset(silence)
	}
	switch {
	case err != nil && err != io.EOF && b.ctx.Err() != nil:
		err = context.Cause(b.ctx)
	case err == nil && !b.blob && b.got > image.MaxDocument:
		err = fmt.Errorf("the registry's answer has over %d bytes, more than it may have", image.MaxDocument)
	}
	return n, err
}

func (b *boundedBody) Close() error {
	b.silent.Stop()
	b.giveUp(nil)
	return b.ReadCloser.Close()
}
