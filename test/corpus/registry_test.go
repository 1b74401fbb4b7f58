package corpus

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/doctor/image/registry"
)

// push writes an image of the corpus into a registry.
func push(t *testing.T, s Spec, ref string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	out, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, Save(out, map[string]Spec{"test:latest": s}, nil))
	require.NoError(t, out.Close())
	img, err := tarball.ImageFromPath(file, nil)
	require.NoError(t, err)
	parsed, err := name.ParseReference(ref)
	require.NoError(t, err)
	require.NoError(t, remote.Write(parsed, img))
}

// From a registry, layer by layer from the topmost down, the first case of each cause, and what has several
// layers, is what it is from a tarball. (The fix may be another: only an archive lists all files.)
func TestFromARegistryTheVerdictIsTheSame(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir()) // no login
	server := httptest.NewServer(fake.New(fake.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	where, err := url.Parse(server.URL)
	require.NoError(t, err)
	top := accounts() // all that is asked for is in the topmost layer
	top.Files, top.Later = map[string]File{"/usr/share/large": {Mode: 0o644, Data: make([]byte, 1<<20)}}, top.Files
	seen, least := map[doctor.Cause]bool{}, false
	for _, c := range append(all(t), Case{Name: "top", Image: top}) {
		if seen[c.Cause] && c.Image.Later == nil {
			continue
		}
		seen[c.Cause] = true
		ref := where.Host + "/" + strings.ToLower(c.Name)
		push(t, c.Image, ref)
		img, err := registry.Open(t.Context(), ref, image.Platform{OS: "linux", Arch: runtime.GOARCH}, false)
		require.NoError(t, err, c.Name)
		d, err := doctor.Examine(t.Context(), img, machine, doctor.Options{})
		require.NoError(t, err, c.Name)
		require.NoError(t, img.Close())
		want := diagnose(t, c.Image)
		assert.Equal(t, want.Starts, d.Starts, c.Name)
		assert.Equal(t, []any{want.Cause, want.Summary, want.ID, want.User, want.Evidence},
			[]any{d.Cause, d.Summary, d.ID, d.User, d.Evidence}, c.Name)
		require.NotNil(t, d.Read, c.Name)
		if c.Name == "top" {
			least = d.Read.Layers == 1 && d.Read.OfLayers == 2 && d.Read.Bytes > 0
		}
	}
	assert.True(t, least, "a layer that nothing was asked of was read")
}

// What a registry that is not as it should be sends ends in an error, and soon.
func TestAnUnhelpfulRegistry(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	good := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	var between func(http.ResponseWriter, *http.Request) bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if between == nil || !between(w, r) {
			good.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/app"
	push(t, static(), ref)
	const manifests, blobs = "/manifests/", "/blobs/"
	endless := func(w http.ResponseWriter) bool {
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return true
			}
		}
	}
	asked := 0
	second := func(w http.ResponseWriter, r *http.Request) bool { // the first is the config
		if strings.Contains(r.URL.Path, blobs) {
			asked++
		}
		return asked > 1
	}
	for name, c := range map[string]struct {
		between func(http.ResponseWriter, *http.Request) bool
		says    string
	}{
		"another layer than the digest says": {func(w http.ResponseWriter, r *http.Request) bool {
			if !second(w, r) {
				return false
			}
			w.Write(make([]byte, 64))
			return true
		}, "verifying sha256"},
		"a layer without end": {func(w http.ResponseWriter, r *http.Request) bool {
			return second(w, r) && endless(w)
		}, "more than it may have"},
		"a manifest without end": {func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, manifests) && endless(w)
		}, "more than it may have"},
		"a manifest without end, elsewhere": {func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, manifests) {
				http.Redirect(w, r, "/else/blobs/where", http.StatusTemporaryRedirect)
				return true
			}
			return r.URL.Path == "/else/blobs/where" && endless(w)
		}, "more than it may have"},
		"addresses without end": {func(w http.ResponseWriter, r *http.Request) bool {
			onwards := strings.Contains(r.URL.Path, manifests)
			if onwards {
				http.Redirect(w, r, r.URL.Path+"/x", http.StatusTemporaryRedirect)
			}
			return onwards
		}, "from one address to the next"},
		"layers of a petabyte": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, manifests) {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			digest := "sha256:" + strings.Repeat("0", 64)
			fmt.Fprintf(w, `{"config":{"digest":"%s"},"layers":[{"digest":"%[1]s","size":1},{"digest":"%[1]s","size":%d}]}`, digest, 1<<50)
			return true
		}, "of more than 64 GB"},
		"a web page": {func(w http.ResponseWriter, r *http.Request) bool {
			io.WriteString(w, "<html>Log in to the hotel's network</html>")
			return true
		}, ""},
	} {
		between, asked = c.between, 0
		img, err := registry.Open(t.Context(), ref, image.Platform{OS: "linux", Arch: runtime.GOARCH}, false)
		if err == nil {
			_, err = doctor.Examine(t.Context(), img, machine, doctor.Options{})
			img.Close()
		}
		var fault *image.Fault
		require.ErrorAs(t, err, &fault, name)
		assert.Contains(t, err.Error(), c.says, name)
		t.Log(name, ": ", err)
	}
}
