package e2e

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/engines"
)

// savedBytes is how large an image is: the regular files in all its layers, as `save`
// writes them, hard links once. No two engines say the same of an image; this they do.
func savedBytes(t *testing.T, c engines.Client, image string) (sum int64) {
	t.Helper()
	dir := t.TempDir()
	c.Docker(t, "save", "--output", filepath.Join(dir, "image.tar"), image)
	saved, err := os.Open(filepath.Join(dir, "image.tar"))
	require.NoError(t, err)
	defer saved.Close()
	names := map[string]string{} // of links in it
	kept := map[string]string{}  // where a file of it lies here
	for all := tar.NewReader(saved); ; {
		entry, err := all.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch entry.Typeflag {
		case tar.TypeSymlink:
			names[entry.Name] = filepath.Join(filepath.Dir(entry.Name), entry.Linkname)
		case tar.TypeReg:
			file, err := os.CreateTemp(dir, "part-")
			require.NoError(t, err)
			_, err = io.Copy(file, all)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			kept[entry.Name] = file.Name()
		}
	}
	text, err := os.ReadFile(kept["manifest.json"])
	require.NoError(t, err)
	var images []struct{ Layers []string }
	require.NoError(t, json.Unmarshal(text, &images))
	require.Len(t, images, 1)
	for _, layer := range images[0].Layers {
		if of, linked := names[layer]; linked {
			layer = of
		}
		sum += layerBytes(t, kept[layer])
	}
	return sum
}

func layerBytes(t *testing.T, path string) (sum int64) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	packed := bufio.NewReader(file)
	var plain io.Reader = packed
	begin, _ := packed.Peek(4)
	switch {
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		plain, err = gzip.NewReader(packed)
	case bytes.Equal(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		plain, err = zstd.NewReader(packed)
	}
	require.NoError(t, err)
	for files := tar.NewReader(plain); ; {
		entry, err := files.Next()
		if err == io.EOF {
			return sum
		}
		require.NoError(t, err)
		if entry.Typeflag == tar.TypeReg {
			sum += entry.Size
		}
	}
}
