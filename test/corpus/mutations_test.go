package corpus

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/elf"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/test/engines"
)

// Ten thousand archives and ELF files with some bytes changed: none ends the tool.
// The seed is fixed; the digests of what was changed inside an archive are right.
func TestTenThousandMutations(t *testing.T) {
	chance := rand.New(rand.NewPCG(21, 0))
	mutated := func(b []byte) []byte {
		b = bytes.Clone(b)
		for range 1 + chance.IntN(12) {
			at := chance.IntN(len(b))
			if chance.IntN(2) == 0 { // headers are at the beginning
				at = chance.IntN(min(len(b), 600))
			}
			b[at] = [...]byte{byte(chance.Uint32()), 0, 0xff, b[at] ^ 1<<chance.IntN(8), 0x7f}[chance.IntN(5)]
		}
		return b[:len(b)-chance.IntN(len(b))*chance.IntN(2)*chance.IntN(2)*chance.IntN(2)]
	}
	lib := shared{soname: "l0.so", defines: 4, names: "V1\x00",
		tags: []uint64{0x6ffffffd, 1}, at: map[uint64]uint64{0x6ffffffc: 0}, tables: define(2, 3)}
	whole := dynamic(shared{interp: glibcLoader, wants: 3, needed: []string{"l0.so"}, runpath: "$ORIGIN/../lib"}, linked(2, lib))
	names := []string{"/app", "/lib/l0.so", glibcLoader}
	var plain bytes.Buffer
	require.NoError(t, Save(&plain, map[string]Spec{"x:1": whole}, nil))
	at := filepath.Join(t.TempDir(), "image.tar")
	opens, verdicts := 0, 0
	mutations := 2_000 // a newcomer does not wait for all of them
	if engines.Wanted() {
		mutations = 10_000
	}
	for i := range mutations {
		var b bytes.Buffer
		switch i % 4 {
		case 0: // the archive
			b.Write(mutated(plain.Bytes()))
		case 1: // its layer
			layer := mutated(whole.layer())
			w := tar.NewWriter(&b)
			manifest := []byte(`[{"Config":"c","Layers":["l"]}]`)
			for name, text := range map[string][]byte{"c": whole.config([]string{sum(layer)}, nil), "l": layer, "manifest.json": manifest} {
				w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text))})
				w.Write(text)
			}
			w.Close()
		default: // a file in it
			changed := whole.clone()
			name := names[chance.IntN(len(names))]
			file := changed.Files[name]
			file.Data = mutated(file.Data)
			changed.Files[name] = file
			require.NoError(t, Save(&b, map[string]Spec{"x:1": changed}, nil))
			if f, err := elf.Parse(bytes.NewReader(file.Data), int64(len(file.Data))); err == nil {
				f.Strippable()
			}
		}
		require.NoError(t, os.WriteFile(at, b.Bytes(), 0o600))
		img, err := image.FromTarball(t.Context(), at, "", image.Platform{OS: "linux", Arch: "amd64"})
		if err != nil {
			continue
		}
		opens++
		d, err := doctor.Examine(t.Context(), img, doctor.Machine{OS: "linux", Arch: "amd64"}, doctor.Start{})
		if assert.NoError(t, err) {
			verdicts++
			require.NoError(t, doctor.Screen(io.Discard, d, false, 80))
		}
		img.Close()
	}
	t.Logf("%d could be opened, %d had a diagnosis", opens, verdicts)
	assert.Greater(t, opens, mutations*3/10, "what is changed inside must be looked at")
}
