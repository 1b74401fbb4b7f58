package rebuild

import (
	"fmt"
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
// damaged is downloaded again.
func TestFaultCacheDamagedAtRandomBytes(t *testing.T) {
	rounds := 20
	if faults.Wanted() {
		rounds = 400
	}
	chance := faults.Random(t)
	fakeApt(t)
	_, sum, _ := proxy(t, "example.org/toolchain", "v0.0.1-go1.linux-amd64")
	release := Toolchain{Module: "example.org/toolchain", Version: "v0.0.1-go1", Sums: map[string]string{"amd64": sum}}
	healed, dir := new(damageCount), t.TempDir()
	inputs := func() string { // of a build: the release as it is handed over, and the packages
		var all strings.Builder
		c := cacheOf(t, dir)
		c.say = healed
		for _, file := range append(packages(t, c, "gcc", "musl-tools"), toolchain(t, c, release)) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			fmt.Fprintf(&all, "%s\n%s\n", filepath.Base(file), text)
		}
		return all.String()
	}
	whole := inputs()
	for range rounds {
		var done []string
		for _, folder := range []string{"go-v0.0.1-go1.linux-amd64", "packages-a-arm64"} {
			done = append(done, damageOne(t, chance, filepath.Join(dir, folder)))
			if chance.IntN(4) == 0 {
				done = append(done, damageOne(t, chance, filepath.Join(dir, folder+".sums")))
			}
		}
		require.Equal(t, whole, inputs(), "%v", done)
	}
	assert.NotZero(t, *healed)
	faults.Row(t, "the cache damaged at random bytes", "%d times, %d files downloaded again; wrong bases 0", 2*rounds, *healed)
}

// damageOne changes bits of a file, or of one below a folder, or cuts it off, at a random place.
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
