package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFileIsThereWholeOrNotAtAll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "folder", "file")
	for _, text := range []string{"first", "second"} {
		require.NoError(t, Write(file, []byte(text), filepath.Dir(file)))
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, text, string(have))
	}
	old, err := os.Open(file) // who reads it while it is replaced goes on reading the old one
	require.NoError(t, err)
	defer old.Close()
	require.NoError(t, Write(file, []byte("third"), filepath.Dir(file)))
	have := make([]byte, 9)
	n, _ := old.Read(have)
	assert.Equal(t, "second", string(have[:n]))

	blocked := filepath.Join(filepath.Dir(file), "blocked")
	require.NoError(t, os.Mkdir(blocked, 0o755))
	assert.Error(t, Write(blocked, []byte("x"), filepath.Dir(file)), "there is a folder of that name")
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	assert.Len(t, left, 2, "no half-written file stays")
}
