package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"optimizing-dockerfile/internal/doctor/image"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/test/engines"
)

// The second image has the first one's layers, so it is never asked for: a name
// that the engine does not know shows it. Its config is its own all the same.
func TestCacheReadsTheSameLayersOnce(t *testing.T) {
	e := engines.Engine(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "source"), []byte("held"), 0o644))
	var cache source.Cache
	defer cache.Close()

	one := built(t, e, dir, "COPY source /file\nCMD [\"one\"]")
	first, err := cache.Open(t.Context(), e, one)
	require.NoError(t, err)
	require.NoError(t, first.Close())

	two := built(t, e, dir, "COPY source /file\nCMD [\"two\"]")
	require.Equal(t, one.RootFS.Layers, two.RootFS.Layers)
	two.ID = "optimizing-dockerfile/none:none"
	second, err := cache.Open(t.Context(), e, two)
	require.NoError(t, err)
	assert.Equal(t, []string{"two"}, second.Config().Cmd)
	assert.Equal(t, "held", content(t, second, "/file"))

	other := built(t, e, dir, "COPY source /elsewhere\nCMD [\"one\"]")
	unknown := other
	unknown.ID = two.ID
	_, err = cache.Open(t.Context(), e, unknown)
	assert.Error(t, err, "other layers are other files")
	third, err := cache.Open(t.Context(), e, other)
	require.NoError(t, err, "what could not be read once can be later")
	assert.Equal(t, "held", content(t, third, "/elsewhere"))
}

func content(t *testing.T, img image.Image, path string) string {
	file, err := img.Open(t.Context(), path)
	require.NoError(t, err)
	defer file.Close()
	text := make([]byte, file.Size())
	_, err = file.ReadAt(text, 0)
	require.NoError(t, err)
	return string(text)
}

// built makes an image from scratch for this test, and takes it away after it.
func built(t *testing.T, e *engine.Engine, dir, instructions string) engine.Image {
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"+instructions+"\n"), 0o644))
	out, err := e.Output(t.Context(), append(append([]string{"build", "--quiet"}, engine.Kept()...), dir)...)
	require.NoError(t, err)
	words := strings.Fields(out)
	id := words[len(words)-1]
	t.Cleanup(func() { e.Call(context.Background(), "rmi", id) })
	about, err := e.InspectImage(t.Context(), id)
	require.NoError(t, err)
	return about
}
