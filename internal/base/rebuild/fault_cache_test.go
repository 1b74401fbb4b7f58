package rebuild

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"optimizing-dockerfile/test/faults"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever happened to the cache, what goes into a base is the same: what is
// damaged is downloaded again, or has no part in it. Of an archive that is what it
// unpacks to; a text that repeats itself has more than one compressed form.
func TestFaultCacheDamagedAtRandomBytes(t *testing.T) {
	rounds := 20
	if faults.Wanted() {
		rounds = 400
	}
	chance := faults.Random(t)
	fakeApt(t)
	_, sum, _ := proxy(t, "example.org/toolchain", "v0.0.1-go1.linux-amd64")
	release := Toolchain{Module: "example.org/toolchain", Version: "v0.0.1-go1", Sums: map[string]string{"amd64": sum}}
	m := cacheOf(t)
	d := &debian{arch: "amd64", packages: []string{"gcc", "musl-tools"}, folder: t.TempDir(), work: t.TempDir()}
	inputs := func() string { // of a build: the release as it is handed over, and the packages
		var all bytes.Buffer
		archive, err := m.toolchain(context.Background(), release, "amd64")
		require.NoError(t, err)
		unpack(t, &all, func(w io.Writer) error { return m.writeZip(archive, w) })
		files, err := d.fetch(context.Background())
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			fmt.Fprintf(&all, "%s\n%s\n", filepath.Base(file), text)
		}
		return all.String()
	}
	whole := inputs()
	healed := new(damageCount)
	m.say, d.say = healed, healed
	for range rounds {
		var done []string
		for _, dir := range []string{filepath.Join(m.cache, "cache", "download", "example.org"), d.folder} {
			done = append(done, damageOne(t, chance, dir))
		}
		require.Equal(t, whole, inputs(), "%v", done)
	}
	assert.NotZero(t, *healed)
	faults.Row(t, "the cache damaged at random bytes", "%d times, %d files downloaded again; wrong bases 0", 2*rounds, *healed)
}

// unpack writes to out all that an archive says of its files, and what they hold.
func unpack(t *testing.T, out io.Writer, write func(io.Writer) error) {
	var packed bytes.Buffer
	require.NoError(t, write(&packed))
	r, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	require.NoError(t, err)
	for _, file := range r.File {
		fmt.Fprintf(out, "%+v\n", file.FileHeader)
		content, err := file.Open()
		require.NoError(t, err)
		_, err = io.Copy(out, content)
		require.NoError(t, err)
	}
}

// damageOne changes bits of a file below dir, or cuts it off, at a random place.
func damageOne(t *testing.T, chance *rand.Rand, dir string) string {
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil && info.Size() > 0 {
				files = append(files, path)
			}
		}
		return err
	}))
	require.NotEmpty(t, files)
	file := files[chance.IntN(len(files))]
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	at := chance.IntN(len(text))
	if chance.IntN(4) == 0 {
		overwrite(t, file, text[:at])
		return fmt.Sprintf("%s cut off at %d", filepath.Base(file), at)
	}
	text[at] ^= byte(1 << chance.IntN(8))
	overwrite(t, file, text)
	return fmt.Sprintf("%s changed at %d", filepath.Base(file), at)
}

// damageCount counts those that are told of.
type damageCount int

func (d *damageCount) Say(sentence string) {
	if strings.Contains(sentence, "is damaged") {
		*d++
	}
}
