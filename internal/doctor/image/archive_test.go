package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const config = `{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/app"],"User":"1"},"rootfs":{"type":"layers","diff_ids":[]}}`

func saved(t testing.TB, tags string, layers ...[]byte) []byte {
	entries := []tar.Header{file("config.json", config)}
	var names []string
	for i, l := range layers {
		name := fmt.Sprintf("%d/layer.tar", i)
		names = append(names, `"`+name+`"`)
		entries = append(entries, file(name, string(l)))
	}
	manifest := fmt.Sprintf(`[{"Config":"config.json","RepoTags":[%s],"Layers":[%s]}]`, tags, strings.Join(names, ","))
	return layer(t, append(entries, file("manifest.json", manifest))...)
}

func write(t testing.TB, data []byte) string {
	name := filepath.Join(t.TempDir(), "image.tar")
	require.NoError(t, os.WriteFile(name, data, 0o644))
	return name
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func TestTarball(t *testing.T) {
	plain := saved(t, `"app:latest"`, layer(t, file("app", "program")), gzipped(layer(t, file("etc/x", "x"))))
	for name, data := range map[string][]byte{"plain": plain, "compressed": gzipped(plain)} {
		img, err := FromFile(context.Background(), write(t, data), "", Platform{"linux", "amd64"})
		require.NoError(t, err, name)
		assert.Equal(t, []string{"/app"}, img.About().Config.Entrypoint)
		assert.Equal(t, "program", content(img.(*archived).Files, "/app"))
		assert.Equal(t, "x", content(img.(*archived).Files, "/etc/x"))
		require.NoError(t, img.Close())
	}
}

func TestTarballTag(t *testing.T) {
	at := write(t, saved(t, `"app:one","app:two"`))
	for tag, ok := range map[string]bool{"": true, "two": true, "app:one": true, "three": false} {
		img, err := FromFile(context.Background(), at, tag, Platform{})
		assert.Equal(t, ok, err == nil, tag)
		if err == nil {
			img.Close()
		} else {
			var missing *NotFound
			assert.ErrorAs(t, err, &missing)
		}
	}
}

// A layout with an image for two machines, and an attestation that is none.
func TestLayout(t *testing.T) {
	dir := t.TempDir()
	blobs := filepath.Join(dir, "blobs", "sha256")
	require.NoError(t, os.MkdirAll(blobs, 0o755))
	put := func(text string) string {
		name := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		require.NoError(t, os.WriteFile(filepath.Join(blobs, name), []byte(text), 0o644))
		return "sha256:" + name
	}
	manifest := func(arch string) string {
		c := put(strings.Replace(config, "amd64", arch, 1))
		l := put(string(gzipped(layer(t, file("arch", arch)))))
		return put(fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":1},
			"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":%q,"size":1}]}`, c, l))
	}
	entry := func(digest, system, arch string) string {
		return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":1,"platform":{"os":%q,"architecture":%q}}`, digest, system, arch)
	}
	index := put(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + strings.Join([]string{
		entry(manifest("amd64"), "linux", "amd64"), entry(manifest("arm64"), "linux", "arm64"), entry(put("{}"), "unknown", "unknown"),
	}, ",") + `]}`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "index.json"),
		[]byte(fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":%q,"size":1}]}`, index)), 0o644))
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := FromFile(context.Background(), dir, "", Platform{"linux", arch})
		require.NoError(t, err)
		assert.Equal(t, arch, img.About().Config.Architecture)
		assert.Equal(t, arch, content(img.(*archived).Files, "/arch"))
		img.Close()
	}
}

// zeros is an endless supply of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Whatever somebody sent ends in an error that says why, and leaves nothing behind.
func TestHostileArchives(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	self := layer(t, link("manifest.json", "manifest.json"))
	outside := saved(t, "", layer(t, file("a", "")))
	outside = bytes.ReplaceAll(outside, []byte(`"0/layer.tar"`), []byte(`"/etc/hosts" `))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                     {nil, "no tarball"},
		"text":                      {[]byte(strings.Repeat("text ", 1000)), "no whole tar"},
		"cut off":                   {saved(t, "", layer(t, file("a", "b")))[:2000], ""},
		"an entry linked to itself": {self, "no tarball"},
		"no layer where it says":    {outside, "layer 1"},
		"a manifest of garbage":     {layer(t, file("manifest.json", "{[")), "makes no sense"},
		"a config of garbage":       {layer(t, file("config.json", "["), file("manifest.json", `[{"Config":"config.json"}]`)), "makes no sense"},
		"a huge manifest":           {layer(t, file("manifest.json", strings.Repeat(" ", MaxDocument+1))), "bytes"},
		"a million layers":          {layer(t, file("config.json", config), file("manifest.json", `[{"Config":"config.json","Layers":[`+strings.Repeat(`"x",`, 100_000)+`"x"]}]`)), "layers"},
		"indexes in a circle": {layer(t, file("index.json", circle("a")), file("blobs/sha256/"+strings.Repeat("a", 64), circle("a"))),
			"damaged"},
		"indexes in indexes": {nested(t, 6), "without end"},
		"half a gzip":        {gzipped(outside)[:50], ""},
	} {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(t.TempDir(), "hostile.tar")
			require.NoError(t, os.WriteFile(at, c.data, 0o644))
			img, err := FromFile(context.Background(), at, "", Platform{"linux", runtime.GOARCH})
			if assert.Error(t, err) {
				var fault *Fault
				assert.ErrorAs(t, err, &fault)
				assert.Contains(t, err.Error(), c.want)
			} else {
				img.Close()
			}
		})
	}
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	for _, l := range left {
		assert.False(t, strings.HasPrefix(l.Name(), "optimizing-dockerfile-"), l.Name())
	}
}

func circle(hex string) string {
	return indexOf(strings.Repeat(hex, 64))
}

func indexOf(hex string) string {
	const kind = "application/vnd.oci.image.index.v1+json"
	return fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":"sha256:%s","size":1}]}`, kind, hex)
}

// nested is a layout whose index names an index, which names another …
func nested(t testing.TB, depth int) []byte {
	text, entries := "{}", []tar.Header{}
	for range depth {
		hex := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		entries = append(entries, file("blobs/sha256/"+hex, text))
		text = indexOf(hex)
	}
	return layer(t, append(entries, file("index.json", text))...)
}

// Ten gigabytes of zeros in ten megabytes: refused long before they are unpacked.
func TestArchiveBomb(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		io.Copy(z, zeros{})
	}()
	plain, err := unpack(NewBudget(context.Background(), 0), r)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, io.LimitReader(plain, 3<<30))
	assert.ErrorContains(t, err, "bomb")
	assert.Less(t, n, int64(2<<30))
}

// A sparse file is a few bytes in the tar, whatever size it claims.
func TestSparseFileIsNotUnpacked(t *testing.T) {
	k := NewFiles(NewBudget(t.Context(), 0))
	defer k.Discard()
	head := append([]byte("\x7fELF"), make([]byte, 100)...)
	_, err := k.spool.keep(io.MultiReader(bytes.NewReader(head), zeros{}), "/big", 10<<30, true)
	require.NoError(t, err)
	assert.LessOrEqual(t, k.spool.used, int64(keepHead))
}

// More files than any image has, or folders that nothing but deep paths make: an error.
func TestTooManyFiles(t *testing.T) {
	var many []tar.Header
	for i := range 200 {
		many = append(many, file(fmt.Sprintf("%d/a/b/c/d", i), ""))
	}
	k := NewFiles(NewBudget(t.Context(), 0))
	defer k.Discard()
	k.budget.kept = 500 * costOfNode
	assert.ErrorIs(t, k.Apply(1, bytes.NewReader(layer(t, many...))), errTooMany)
}

// A folder brings along what is in it, under the path that was asked for; where it is too much, it is not there whole.
func TestAFolderBringsAlongWhatIsInIt(t *testing.T) {
	archive := layer(t, dir("etc/"), file("etc/passwd", "root"), hard("etc/shadow", "etc/passwd"), dir("etc/ssl/"), file("etc/ssl/big", strings.Repeat("x", 4000)))
	for most, want := range map[int64][]string{
		10_000: {"/usr/etc", "/usr/etc/passwd", "/usr/etc/shadow", "/usr/etc/ssl", "/usr/etc/ssl/big"},
		4_000:  {"/usr/etc", "/usr/etc/passwd", "/usr/etc/shadow", "/usr/etc/ssl"},
		0:      {"/usr/etc"},
	} {
		k := NewFiles(NewBudget(t.Context(), 0))
		defer k.Discard()
		added, whole, err := k.Add(bytes.NewReader(archive), "/usr/etc", most)
		require.NoError(t, err)
		assert.Equal(t, want, added)
		assert.Equal(t, most == 10_000, whole)
		for _, at := range added {
			_, err := k.Lstat(t.Context(), at)
			assert.NoError(t, err, at)
		}
	}
}
