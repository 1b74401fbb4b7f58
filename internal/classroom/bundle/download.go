package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

const (
	// silence is how long a download may bring nothing before it is begun anew from where it was.
	silence = 30 * time.Second
	// fruitless is how many times in a row that may happen.
	fruitless = 6
)

// IsURL says whether a word names something to download.
func IsURL(word string) bool {
	return strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://")
}

// Fetch downloads a bundle into dir and returns its path. A download that was
// cut off, even by the end of this process, goes on where it was, as long as the
// server still offers the same file. The URL of a teacher's `serve` will do.
func Fetch(ctx context.Context, from, dir string, say screen.Reporter) (string, error) {
	at, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	if at.Path == "" || at.Path == "/" {
		at.Path = "/bundle.tar"
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	failed := func(err error) error { return fmt.Errorf("%s cannot be downloaded: %w", at, err) }
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout, transport.DisableCompression = silence, true
	defer transport.CloseIdleConnections()
	d := &download{client: http.Client{Transport: transport, CheckRedirect: stillSecret}, url: at.String(), say: say}
	if err := d.patiently(ctx, d.ask); err != nil {
		return "", failed(err)
	}
	name := sha256.Sum256([]byte(d.url + d.etag))
	d.path = filepath.Join(dir, "bundle-"+hex.EncodeToString(name[:8])+".tar")
	lock := flock.New(d.path + ".lock")
	if got, err := lock.TryLock(); err != nil || !got {
		return "", fmt.Errorf("another load is downloading %s; wait for it, or end it", d.url)
	}
	defer lock.Unlock()
	defer os.Remove(lock.Path()) // while it is held: who comes now makes another
	err = d.patiently(ctx, d.rest)
	if errors.Is(err, errEndless) {
		os.Remove(d.path)
		return "", failed(err)
	}
	if err != nil {
		return "", fmt.Errorf("%w\nWhat has come so far is kept: run the same again, and it goes on from there.", failed(err))
	}
	return d.path, nil
}

// download is one under way.
type download struct {
	client http.Client
	url    string
	etag   string     // by which the server tells one content from another; "" if it does not
	length table.Size // -1 if it is not told
	path   string
	say    screen.Reporter
	got    int64 // in this process
}

// errEndless is a server that goes on sending after the end of the file.
var errEndless = errors.New("more comes than the server announced: this is not the bundle")

// stillSecret refuses to go from https to http: who listens on the wire could then be the server.
func stillSecret(request *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return refusal{errors.New("it is redirected without end")}
	}
	if via[0].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return refusal{fmt.Errorf("it is redirected to %s, which is not https", request.URL.Redacted())}
	}
	return nil
}

// refusal is an answer that another attempt would not change.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// patiently tries until it works, or until several attempts in a row have brought nothing.
func (d *download) patiently(ctx context.Context, try func(context.Context) error) error {
	for vain := 0; ; {
		before := d.got
		err := try(ctx)
		var refused refusal
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &refused):
			return err
		}
		if vain++; d.got > before {
			vain = 0
		}
		if vain == fruitless {
			return err
		}
		select {
		case <-time.After(time.Duration(vain) * 500 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// asked asks the server, from a byte on, and judges whether the answer is the file, or that part of it.
func (d *download) asked(ctx context.Context, method string, from int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, d.url, nil)
	if err != nil {
		return nil, refusal{err}
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		request.Header.Set("If-Range", d.etag)
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return nil, plain(err)
	}
	switch code := answer.StatusCode; {
	case code == http.StatusOK || code == http.StatusPartialContent:
		return answer, nil
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestedRangeNotSatisfiable:
		err = fmt.Errorf("the server answers %s", answer.Status)
	default:
		err = refusal{fmt.Errorf("the server answers %s", answer.Status)}
	}
	answer.Body.Close()
	if answer.StatusCode == http.StatusRequestedRangeNotSatisfiable { // it has another file now
		err = errors.Join(err, os.Truncate(d.path, 0))
	}
	return nil, err
}

// ask learns what the server offers.
func (d *download) ask(ctx context.Context) error {
	answer, err := d.asked(ctx, http.MethodHead, 0)
	if err != nil {
		return err
	}
	answer.Body.Close()
	d.length = table.Size(answer.ContentLength)
	if etag := answer.Header.Get("ETag"); !strings.HasPrefix(etag, "W/") {
		d.etag = etag
	}
	return nil
}

// rest downloads what is not here yet.
func (d *download) rest(ctx context.Context) error {
	out, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return refusal{err}
	}
	defer out.Close()
	here, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return refusal{err}
	}
	if d.etag == "" { // nothing vouches for what is here being of the same file
		here = 0
	}
	if here == int64(d.length) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer, err := d.asked(ctx, http.MethodGet, here)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	part := fmt.Sprintf("bytes %d-", here)
	if answer.StatusCode != http.StatusPartialContent || !strings.HasPrefix(answer.Header.Get("Content-Range"), part) {
		here = 0 // all of it comes
	}
	if here > 0 {
		screen.Sayf(d.say, "going on after %s of %s", table.Size(here), d.length)
	}
	if err := out.Truncate(here); err != nil {
		return refusal{err}
	}
	if _, err := out.Seek(here, io.SeekStart); err != nil {
		return refusal{err}
	}
	if d.length < 0 && answer.ContentLength >= 0 {
		d.length = table.Size(here + answer.ContentLength)
	}
	if d.length < 0 {
		return refusal{errors.New("the server does not say how long the bundle is")}
	}
	if err := d.receive(cancel, out, answer.Body, here); err != nil {
		return err
	}
	return out.Sync()
}

// receive copies, and gives up when nothing comes any more.
func (d *download) receive(cancel func(), out io.Writer, in io.Reader, here int64) error {
	stalled := time.AfterFunc(silence, cancel)
	defer stalled.Stop()
	said := time.Now()
	buffer := make([]byte, 64<<10)
	for {
		n, err := in.Read(buffer)
		d.got, here = d.got+int64(n), here+int64(n)
		if here > int64(d.length) {
			return refusal{errEndless}
		}
		if _, err := out.Write(buffer[:n]); err != nil {
			return refusal{err}
		}
		if n > 0 {
			stalled.Reset(silence)
		}
		if time.Since(said) > 3*time.Second {
			said = time.Now()
			screen.Sayf(d.say, "%s of %s", table.Size(here), d.length)
		}
		switch {
		case errors.Is(err, io.EOF) && here == int64(d.length):
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return plain(err)
		}
	}
}

// plain takes the method and the address off an error of the HTTP client.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
