package bundle

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/test/faults"
)

// flaky serves a content, and cuts every answer short after some bytes.
type flaky struct {
	teacher
	mutex sync.Mutex // of teacher: an answer to a client that left may still be under way
	sent  atomic.Int64
	gets  atomic.Int64
}

type teacher struct {
	content []byte
	etag    string
	after   int64 // bytes; 0 is never
}

func (f *flaky) now(content []byte, etag string, after int64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.teacher = teacher{content, etag, after}
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	o := f.teacher
	f.mutex.Unlock()
	if o.etag != "" {
		w.Header().Set("ETag", o.etag)
	}
	if r.Method == http.MethodGet {
		f.gets.Add(1)
	}
	http.ServeContent(&cutter{ResponseWriter: w, f: f, after: o.after}, r, "", time.Time{}, bytes.NewReader(o.content))
}

type cutter struct {
	http.ResponseWriter
	f           *flaky
	after, sent int64
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.after > 0 && c.sent+int64(len(p)) > c.after {
		http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	n, err := c.ResponseWriter.Write(p)
	c.sent += int64(n)
	c.f.sent.Add(int64(n))
	return n, err
}

func offeredBy(t *testing.T, f *flaky) string {
	f.content = make([]byte, 3<<20+1)
	rand.Read(f.content)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// hears is a reporter that does something with each sentence.
type hears func(sentence string)

func (h hears) Say(sentence string) { h(sentence) }

func fetched(t *testing.T, f *flaky, url string) {
	file, err := Fetch(t.Context(), url, t.TempDir(), nil)
	require.NoError(t, err)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(f.content, got), "it is the whole, and right")
}

func TestFaultADownloadThatIsCutGoesOnWhereItWas(t *testing.T) {
	f := &flaky{teacher: teacher{etag: `"1"`, after: 1 << 20}}
	fetched(t, f, offeredBy(t, f))
	assert.EqualValues(t, 4, f.gets.Load(), "a byte more than 3 MB, at most 1 MB each")
	assert.EqualValues(t, len(f.content), f.sent.Load(), "no byte came twice")
	faults.Row(t, "a bundle's download cut", "%d cuts of %d MB; bytes that came "+
		"twice %d", f.gets.Load()-1, len(f.content)>>20, f.sent.Load()-int64(len(f.content)))
}

func TestFaultADownloadGoesOnInAnotherProcess(t *testing.T) {
	f := &flaky{teacher: teacher{etag: `"1"`, after: 1 << 20}}
	url, dir := offeredBy(t, f), t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	_, err := Fetch(ctx, url, dir, hears(func(sentence string) {
		if strings.HasPrefix(sentence, "going on") {
			stop()
		}
	}))
	require.ErrorIs(t, err, context.Canceled)
	f.now(f.content, f.etag, 0)
	file, err := Fetch(t.Context(), url, dir, nil)
	require.NoError(t, err)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(f.content, got))
	assert.Less(t, f.sent.Load(), int64(len(f.content)+1<<20), "what had come was not asked for again")
	faults.Row(t, "a bundle's download stopped, and begun anew", "2 processes, %d requests; a whole file", f.gets.Load())
}

// Half of one file and half of another would be neither.
func TestFaultADownloadDoesNotGoOnWithAnotherFile(t *testing.T) {
	f := &flaky{teacher: teacher{etag: `"1"`, after: 1 << 20}}
	url, dir := offeredBy(t, f), t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	Fetch(ctx, url, dir, hears(func(string) { stop() }))
	other := make([]byte, len(f.content))
	rand.Read(other)
	f.now(other, `"2"`, 0)
	file, err := Fetch(t.Context(), url, dir, nil)
	require.NoError(t, err)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(f.content, got))
	faults.Row(t, "another bundle there when the download goes on", "2 files; mixed 0")
}

// A server that vouches for nothing, and one that knows no ranges, cost time, not truth.
func TestAServerWithoutETagStartsOver(t *testing.T) {
	f := &flaky{}
	fetched(t, f, offeredBy(t, f))
}

func TestWhatIsNotThereIsSaidAtOnce(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := Fetch(t.Context(), server.URL, t.TempDir(), nil)
	assert.ErrorContains(t, err, server.URL+"/bundle.tar cannot be downloaded: the server answers 404")
}

// A server that sends on and on fills no disk.
func TestADownloadEndsWhereItWasToEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "7168")
			return
		}
		for range 1000 {
			if _, err := w.Write(make([]byte, 10_000)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	_, err := Fetch(t.Context(), server.URL, dir, nil)
	assert.ErrorIs(t, err, errEndless)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// Who asked for https gets no http: TLS is all that vouches for the bundle.
func TestNoWayFromHTTPSToHTTP(t *testing.T) {
	asked := 0
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer plain.Close()
	secret := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/bundle.tar", http.StatusFound))
	defer secret.Close()
	trusted := http.DefaultTransport.(*http.Transport)
	trusted.TLSClientConfig = secret.Client().Transport.(*http.Transport).TLSClientConfig
	defer func() { trusted.TLSClientConfig = nil }()
	_, err := Fetch(t.Context(), secret.URL, t.TempDir(), nil)
	assert.ErrorContains(t, err, "which is not https")
	assert.Zero(t, asked)
}

// The report tells how the steps end: a teacher may leave it out, and where it is offered it comes last.
func TestTheReportIsOfferedLastOrNotAtAll(t *testing.T) {
	b, err := open(t, small(t))
	require.NoError(t, err)
	asked := func(page []byte, path string) *httptest.ResponseRecorder {
		answer, request := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
		request.Host = "teacher:8000"
		handler(b, page).ServeHTTP(answer, request)
		return answer
	}
	assert.Equal(t, http.StatusNotFound, asked(nil, "/report.html").Code)
	assert.NotContains(t, asked(nil, "/").Body.String(), "report.html")
	assert.Equal(t, "the report", asked([]byte("the report"), "/report.html").Body.String())
	text := asked([]byte("the report"), "/").Body.String()
	assert.Greater(t, strings.Index(text, "/report.html"), strings.Index(text, "/bundle.tar"))
}

// Several loads into one folder, at the same time: each ends well.
func TestLoadsAtTheSameTime(t *testing.T) {
	b, err := open(t, small(t))
	require.NoError(t, err)
	for range 20 {
		dir := filepath.Join(t.TempDir(), "lesson")
		var all errgroup.Group
		for range 4 {
			all.Go(func() error { _, err := b.Unpack(dir); return err })
		}
		require.NoError(t, all.Wait())
		filepath.WalkDir(dir, func(at string, _ os.DirEntry, _ error) error {
			assert.False(t, strings.HasSuffix(at, ".part"), at)
			return nil
		})
	}
}
