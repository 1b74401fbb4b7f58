package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// What a manifest says stands in scripts and goes to the engine: only what `bundle` writes will do.
func TestAManifestOfOthersWords(t *testing.T) {
	right := Tool{OS: "linux", Arch: "amd64", File: toolFile("linux", "amd64")}
	ours := Base{ID: "article", Image: "optimizing-dockerfile/base:1", Arch: "amd64", File: imageFile("article", "amd64")}
	for name, m := range map[string]Manifest{
		"right":                        {Tools: []Tool{right}, Bases: []Base{ours}},
		"a shell's words as a system":  {Tools: []Tool{{OS: "linux) id;;", Arch: "amd64", File: toolFile("linux) id;;", "amd64")}}},
		"the bundle itself as a tool":  {Tools: []Tool{{OS: "linux", Arch: "amd64", File: manifest}}},
		"a tool twice":                 {Tools: []Tool{right, right}},
		"somebody's image":             {Bases: []Base{{ID: "article", Image: "mine:1", Arch: "amd64", File: ours.File}}},
		"an option as an image":        {Bases: []Base{{ID: "article", Image: "--all", Arch: "amd64", File: ours.File}}},
		"an architecture of two words": {Bases: []Base{{ID: "a", Image: ours.Image, Arch: "amd64 x", File: imageFile("a", "amd64 x")}}},
		"another file as a base":       {Bases: []Base{{ID: "article", Image: ours.Image, Arch: "amd64", File: right.File}}},
	} {
		files := map[string]bool{right.File: true, ours.File: true}
		for _, tool := range m.Tools {
			files[tool.File] = true
		}
		for _, b := range m.Bases {
			files[b.File] = true
		}
		delete(files, manifest)
		var all []File
		for file := range files {
			all = append(all, InMemory(file, nil))
		}
		var out bytes.Buffer
		require.NoError(t, Write(&out, m, all))
		_, err := open(t, out.Bytes())
		assert.Equal(t, name == "right", err == nil, "%s: %v", name, err)
	}
}

// An image's archive may name the base and nothing else, in whichever table an engine reads.
func TestAnImageUnderForeignNames(t *testing.T) {
	const want = "optimizing-dockerfile/base:1"
	packed := func(headers ...tar.Header) *bytes.Buffer {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for _, h := range headers {
			text := h.Uname
			h.Uname, h.Size = "", int64(len(text))
			require.NoError(t, w.WriteHeader(&h))
			w.Write([]byte(text))
		}
		w.Close()
		z.Close()
		return &b
	}
	table := func(name, text string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Uname: text} }
	layout := func(name, ref string) tar.Header {
		return table("index.json", fmt.Sprintf(`{"manifests":[{"annotations":
			{"io.containerd.image.name":%q,"org.opencontainers.image.ref.name":%q}}]}`, name, ref))
	}
	good := table("manifest.json", `[{"RepoTags":["optimizing-dockerfile/base:1"]}]`)
	for name, c := range map[string]struct {
		entries []tar.Header
		fine    bool
	}{
		"docker's":     {[]tar.Header{table("a/layer.tar", "x"), good, table("repositories", `{"optimizing-dockerfile/base":{"1":"a"}}`)}, true},
		"podman's":     {[]tar.Header{table("manifest.json", `[{"RepoTags":["localhost/optimizing-dockerfile/base:1"]}]`)}, true},
		"docker 29's":  {[]tar.Header{good, layout("docker.io/optimizing-dockerfile/base:1", "1")}, true},
		"one more":     {[]tar.Header{table("manifest.json", `[{"RepoTags":["optimizing-dockerfile/base:1","mine:1"]}]`)}, false},
		"another":      {[]tar.Header{table("manifest.json", `[{"repotags":["mine:1"]}]`)}, false},
		"none":         {[]tar.Header{table("manifest.json", `[{"RepoTags":null}]`)}, false},
		"a second one": {[]tar.Header{good, table("./Manifest.json", `[{"RepoTags":["mine:1"]}]`)}, false},
		"a layout's":   {[]tar.Header{good, layout("docker.io/library/mine:1", "1")}, false},
		"a layout's 2": {[]tar.Header{good, layout("docker.io/optimizing-dockerfile/base:1", "mine")}, false},
		"the old ones": {[]tar.Header{good, table("repositories", `{"mine":{"1":"a"}}`)}, false},
		"a link":       {[]tar.Header{good, {Typeflag: tar.TypeSymlink, Name: "manifest.json", Linkname: "other"}}, false},
		"by a link":    {[]tar.Header{good, {Typeflag: tar.TypeSymlink, Name: "d", Linkname: "."}, table("d/manifest.json", "[]")}, false},
	} {
		err := onlyNames(t.Context(), packed(c.entries...), want)
		assert.Equal(t, c.fine, err == nil, "%s: %v", name, err)
	}
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
	client := secret.Client()
	client.CheckRedirect = stillSecret
	d := &download{client: *client, url: secret.URL}
	err := d.patiently(t.Context(), d.ask)
	assert.ErrorContains(t, err, "which is not https")
	assert.Zero(t, asked)
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

// What lies in the folder may be no file, and a program may have lost its mode.
func TestUnpackMendsAModeAndWaitsForNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it has no modes")
	}
	b, err := open(t, small(t))
	require.NoError(t, err)
	dir := t.TempDir()
	tool, err := b.Unpack(dir)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(tool, 0o644))
	_, err = b.Unpack(dir)
	require.NoError(t, err)
	info, err := os.Stat(tool)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&0o100)

	require.NoError(t, os.Remove(tool))
	require.NoError(t, os.Symlink("/dev/zero", tool))
	_, err = b.Unpack(dir)
	assert.Error(t, err, "a device has no end")
}
