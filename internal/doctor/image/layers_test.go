package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func file(name, data string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), Uname: data}
}

func dir(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }

func link(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
}

func hard(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to, Mode: 0o600}
}

// layer writes a tar; a file's content rides in Uname.
func layer(t testing.TB, entries ...tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		data := h.Uname
		h.Uname = ""
		require.NoError(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func stacked(t testing.TB, layers ...[]byte) *Files {
	k := NewFiles(NewBudget(t.Context(), 0))
	t.Cleanup(func() { k.Discard() })
	for i, l := range layers {
		require.NoError(t, k.Apply(i+1, bytes.NewReader(l)))
	}
	return k
}

// content is a file's text, or why there is none.
func content(k *Files, path string) string {
	f, err := k.Open(context.Background(), path)
	if errors.Is(err, fs.ErrNotExist) {
		return "absent"
	}
	if err != nil {
		return err.Error()
	}
	b := make([]byte, f.Size())
	f.ReadAt(b, 0)
	return string(b)
}

func TestLayers(t *testing.T) {
	lower := layer(t, dir("etc/"), file("etc/a", "a"), file("etc/b", "b"), file("bin/app", "app"), hard("bin/other", "bin/app"))
	for _, c := range []struct {
		name  string
		upper []tar.Header
		want  map[string]string
	}{
		{"a whiteout deletes", []tar.Header{file("etc/.wh.a", "")}, map[string]string{"/etc/a": "absent", "/etc/b": "b"}},
		{"a whiteout never hits its own " +
			"layer, before", []tar.Header{file("etc/a", "new"), file("etc/.wh.a", "")}, map[string]string{"/etc/a": "new"}},
		{"a whiteout never hits its own " +
			"layer, after", []tar.Header{file("etc/.wh.a", ""), file("etc/a", "new")}, map[string]string{"/etc/a": "new"}},
		{"an opaque folder empties, whatever the order", []tar.Header{file("etc/c", "c"), file("etc/.wh..wh..opq", "")}, map[string]string{"/etc/a": "absent", "/etc/c": "c"}},
		{"a folder that is whited out and made anew " +
			"is empty", []tar.Header{file(".wh.etc", ""), dir("etc/")}, map[string]string{"/etc/a": "absent"}},
		{"and so if it is made anew first", []tar.Header{dir("etc/"), file(".wh.etc", "")}, map[string]string{"/etc/a": "absent"}},
		{"a folder over a folder keeps what is in it", []tar.Header{dir("etc/")}, map[string]string{"/etc/a": "a"}},
		{"a file over a folder replaces it", []tar.Header{file("etc", "file")}, map[string]string{"/etc": "file", "/etc/a": "absent"}},
		{"a hard link outlives the " +
			"other name", []tar.Header{file("bin/.wh.app", "")}, map[string]string{"/bin/app": "absent", "/bin/other": "app"}},
		{"a path never leaves " +
			"the root", []tar.Header{file("../../etc/a", "in"), file("/abs", "abs")}, map[string]string{"/etc/a": "in", "/abs": "abs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := stacked(t, lower, layer(t, c.upper...))
			for path, want := range c.want {
				assert.Equal(t, want, content(k, path), path)
			}
		})
	}
}

// A hard link's own header sets the file's mode, as docker's untar does it.
func TestHardLinkSetsTheMode(t *testing.T) {
	k := stacked(t, layer(t, file("a", "x"), hard("b", "a")))
	e, err := k.Lstat(context.Background(), "/a")
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), e.Mode)
}

func TestHiddenBytesAreCounted(t *testing.T) {
	k := stacked(t, layer(t, file("big", strings.Repeat("x", 1000)), file("d/small", "12345")), layer(t, file(".wh.big", ""), file("d", "")))
	hidden := int64(0)
	for e := range k.Lost() {
		hidden += e.Size
	}
	assert.Equal(t, int64(1005), hidden)
}

func TestWalkIsInOrder(t *testing.T) {
	k := stacked(t, layer(t, file("b", ""), file("a/z", ""), link("a/l", "z"), file("a.b", "")))
	var paths []string
	for e := range k.Walk() {
		paths = append(paths, e.Path)
	}
	assert.Equal(t, []string{"/a", "/a/l", "/a/z", "/a.b", "/b"}, paths)
}

func TestLayersThatAreRefused(t *testing.T) {
	whole := layer(t, file("a", strings.Repeat("x", 5000)))
	long := "l"
	for name, bytesOf := range map[string][]byte{
		"cut off in a file":    whole[:3000],
		"not a tar":            []byte(strings.Repeat("no tar at all ", 100)),
		"a path without end":   layer(t, file(strings.Repeat("a/", 3000)+"x", "")),
		"a link without end":   layer(t, link(long, strings.Repeat("b/", 3000))),
		"a header cut in half": whole[:300],
	} {
		k := NewFiles(NewBudget(t.Context(), 0))
		assert.Error(t, k.Apply(1, bytes.NewReader(bytesOf)), name)
		k.Discard()
	}
}

// Engines unpack a layer by itself: they follow the links that it has made, and no lower layer's.
func TestLinksOfTheSameLayerAreFollowed(t *testing.T) {
	base := layer(t, dir("usr/bin"), link("bin", "usr/bin"), file("bin/app", "1"), hard("twin", "bin/app"), link("opt/x", "../bin"), file("opt/x/deep", "2"),
		link("a", "b"), link("b", "a"), file("a/c", "3"))
	k := stacked(t, base)
	for path, want := range map[string]string{"/usr/bin/app": "1", "/twin": "1", "/usr/bin/deep": "2"} {
		assert.Equal(t, want, content(k, path), path)
	}
	at, err := k.Lstat(context.Background(), "/bin")
	require.NoError(t, err)
	assert.True(t, at.IsLink())
	k = stacked(t, base, layer(t, file("bin/other", "4")))
	assert.Equal(t, "4", content(k, "/bin/other"), "a lower layer's link gives way to a folder")
	assert.Equal(t, "absent", content(k, "/usr/bin/other"))
}

// An image is as large as the regular files of its layers, packed or not, in whatever
// kind of archive; headers, padding and further names of a file do not count.
func TestASizeIsThatOfTheFiles(t *testing.T) {
	layer := func(headers ...*tar.Header) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, h := range headers {
			require.NoError(t, w.WriteHeader(h))
			w.Write(make([]byte, h.Size))
		}
		require.NoError(t, w.Close())
		return out.Bytes()
	}
	one := layer(&tar.Header{Name: "a/", Typeflag: tar.TypeDir}, &tar.Header{Name: "a/b", Size: 1000}, &tar.Header{Name: "c", Typeflag: tar.TypeLink, Linkname: "a/b"})
	two := layer(&tar.Header{Name: "a/b", Size: 7}, &tar.Header{Name: ".wh.c"}, &tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "c"})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(two)
	require.NoError(t, z.Close())

	var saved bytes.Buffer
	w := tar.NewWriter(&saved)
	for _, f := range []struct {
		name string
		text []byte
	}{{"manifest.json", []byte("[]")}, {"blobs/sha256/1", one}, {"blobs/sha256/2", []byte(`{"config":"no layer, for all of its ` +
		`600 bytes"` + fmt.Sprintf("%600s}", ""))}, {"blobs/sha256/3", packed.Bytes()}, {"blobs/sha256/4", []byte(`{"layers":[]}`)}} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.text))}))
		w.Write(f.text)
	}
	require.NoError(t, w.Close())

	got := map[string]int64{}
	require.NoError(t, LayerSizes(t.Context(), &saved, got))
	assert.Equal(t, map[string]int64{
		fmt.Sprintf("sha256:%x", sha256.Sum256(one)): 1000,
		fmt.Sprintf("sha256:%x", sha256.Sum256(two)): 7,
	}, got)

	files := NewFiles(NewBudget(t.Context(), 0))
	defer files.Discard()
	require.NoError(t, files.Apply(1, bytes.NewReader(one)))
	require.NoError(t, files.Apply(2, bytes.NewReader(two)))
	assert.Equal(t, int64(1007), files.Bytes)
}
