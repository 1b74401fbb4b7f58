package bundle

import (
	"cmp"
	"context"
	"crypto/sha256"
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

	"optimizing-dockerfile/internal/screen"
)

const (
	silence   = 30 * time.Second // how long a download may bring nothing before it is begun anew from where it was
	fruitless = 6                // how many times in a row that may happen
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
	d := &download{url: at.String(), dir: dir, say: say}
	lock := flock.New(d.file("") + ".lock")
	if got, err := lock.TryLock(); err != nil || !got {
		return "", fmt.Errorf("another load is downloading %s; wait for it, or end it", at)
	}
	defer lock.Unlock()
	defer os.Remove(lock.Path()) // while it is held: who comes now makes another
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout, transport.DisableCompression = silence, true
	defer transport.CloseIdleConnections()
	d.client = http.Client{Transport: transport, CheckRedirect: stillSecret}
	for vain := 0; vain < fruitless; {
		before := d.got
		if err = d.rest(ctx); err == nil {
			return d.path, nil
		}
		if refused := new(refusal); ctx.Err() != nil || errors.As(err, refused) {
			break
		}
		if vain++; d.got > before {
			vain = 0
		}
		select {
		case <-time.After(time.Duration(vain) * 500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	err = fmt.Errorf("%s cannot be downloaded: %w", at, cmp.Or(ctx.Err(), err))
	if info, none := os.Stat(d.path); none == nil && info.Size() > 0 {
		return "", fmt.Errorf("%w\nWhat has come so far is kept: run the same again, and it goes on from there.", err)
	}
	os.Remove(d.path)
	return "", err
}

// download is one under way.
type download struct {
	client   http.Client
	url, dir string
	say      screen.Reporter

	path         string // of what the server offers now
	out          *os.File
	here, length int64
	got          int64 // in this process
	said         time.Time
	stalled      *time.Timer
}

// file is the path of a content, which etag tells from another of the same URL.
func (d *download) file(etag string) string {
	return filepath.Join(d.dir, fmt.Sprintf("bundle-%.8x.tar", sha256.Sum256([]byte(d.url+etag))))
}

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

// asked asks the server, from a byte on, and judges whether the answer is the file, or that part of it.
func (d *download) asked(ctx context.Context, method string, from int64, etag string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, d.url, nil)
	if err != nil {
		return nil, refusal{err}
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		request.Header.Set("If-Range", etag)
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return nil, errors.Unwrap(err) // without the method and the address
	}
	if answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusPartialContent {
		return answer, nil
	}
	answer.Body.Close()
	err = fmt.Errorf("the server answers %s", answer.Status)
	if answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests {
		err = refusal{err}
	}
	return nil, err
}

// rest learns what the server offers, and downloads what of it is not here yet.
func (d *download) rest(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	offered, err := d.asked(ctx, http.MethodHead, 0, "")
	if err != nil {
		return err
	}
	offered.Body.Close()
	etag := offered.Header.Get("ETag")
	if strings.HasPrefix(etag, "W/") {
		etag = ""
	}
	d.path, d.here, d.length = d.file(etag), 0, offered.ContentLength
	// Without a tag nothing vouches for what is here being of the same file.
	if info, err := os.Stat(d.path); err == nil && etag != "" && info.Size() <= d.length {
		d.here = info.Size()
	}
	if d.here > 0 && d.here == d.length {
		return nil
	}
	answer, err := d.asked(ctx, http.MethodGet, d.here, etag)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	part := fmt.Sprintf("bytes %d-", d.here)
	if answer.StatusCode != http.StatusPartialContent || !strings.HasPrefix(answer.Header.Get("Content-Range"), part) {
		d.here = 0 // all of it comes
	}
	if d.here > 0 {
		screen.Sayf(d.say, "going on after %s of %s", screen.Size(d.here), screen.Size(d.length))
	}
	if d.length = max(d.length, answer.ContentLength); d.length < 0 {
		return refusal{errors.New("the server does not say how long the bundle is")}
	}
	if d.out, err = os.OpenFile(d.path, os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		return refusal{err}
	}
	defer d.out.Close()
	_, err = d.out.Seek(d.here, io.SeekStart)
	if err := errors.Join(err, d.out.Truncate(d.here)); err != nil {
		return refusal{err}
	}
	d.said, d.stalled = time.Now(), time.AfterFunc(silence, cancel)
	defer d.stalled.Stop()
	_, err = io.Copy(d, io.LimitReader(answer.Body, d.length-d.here+1))
	switch {
	case err != nil:
		return err
	case d.here > d.length: // it could go on until the disk is full
		return refusal{errors.Join(errEndless, d.out.Truncate(0))}
	case d.here < d.length:
		return io.ErrUnexpectedEOF
	}
	return d.out.Sync()
}

// errEndless is a server that goes on sending after the end of the file.
var errEndless = errors.New("more comes than the server announced: this is not the bundle")

// Write keeps what has come.
func (d *download) Write(piece []byte) (int, error) {
	d.stalled.Reset(silence)
	n, err := d.out.Write(piece)
	d.got, d.here = d.got+int64(n), d.here+int64(n)
	if time.Since(d.said) > 3*time.Second {
		d.said = time.Now()
		screen.Sayf(d.say, "%s of %s", screen.Size(d.here), screen.Size(d.length))
	}
	if err != nil {
		err = refusal{err}
	}
	return n, err
}
