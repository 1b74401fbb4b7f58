package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	require.NoError(t, LayerSizes(t.Context(), &saved, func(digest string, bytes int64) { got[digest] = bytes }))
	assert.Equal(t, map[string]int64{
		fmt.Sprintf("sha256:%x", sha256.Sum256(one)): 1000,
		fmt.Sprintf("sha256:%x", sha256.Sum256(two)): 7,
	}, got)

	files, err := NewFiles(NewBudget(t.Context(), 0))
	require.NoError(t, err)
	defer files.Discard()
	require.NoError(t, files.Apply(t.Context(), 1, bytes.NewReader(one)))
	require.NoError(t, files.Apply(t.Context(), 2, bytes.NewReader(two)))
	assert.Equal(t, int64(1007), files.Bytes())
}
