package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// apart keeps each layer for itself, as those of a registry are.
func apart(t testing.TB, layers ...[]byte) *layered {
	all := NewFiles(NewBudget(t.Context(), 0))
	t.Cleanup(func() { all.Discard() })
	r := &layered{all: all}
	for i, l := range layers {
		f, err := all.read(bytes.NewReader(l))
		require.NoError(t, err)
		r.layers, r.read = append(r.layers, f), i+1
	}
	return r
}

// Layers that are looked through from the topmost down show what they show laid over each other.
func TestLayersApartShowWhatTheyShowTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(22, 3))
	names := []string{"a", "b", "c"}
	for range 300 {
		var layers [][]byte
		said := ""
		for range 1 + random.IntN(4) {
			var entries []tar.Header
			made := map[string]int{} // a tar of an engine has a name once, and nothing below a file
			clash := func(at string, kind int) bool {
				for other, is := range made {
					if other == at || is != 0 && strings.HasPrefix(at, other+"/") || kind != 0 && strings.HasPrefix(other, at+"/") {
						return true
					}
				}
				return false
			}
			for range random.IntN(5) {
				at := names[random.IntN(3)]
				for range random.IntN(3) {
					at += "/" + names[random.IntN(3)]
				}
				kind := random.IntN(6)
				solid := 0
				if kind != 0 && kind != 3 {
					solid = 1
				}
				if clash(at, solid) {
					continue
				}
				made[at] = solid
				switch {
				case kind == 0:
					entries = append(entries, dir(at))
				case kind == 1:
					entries = append(entries, link(at, names[random.IntN(3)]))
				case kind == 2:
					entries = append(entries, file(at[:len(at)-1]+".wh."+at[len(at)-1:], ""))
				case kind == 3:
					entries = append(entries, file(at+"/.wh..wh..opq", ""))
				default:
					entries = append(entries, file(at, fmt.Sprint(random.IntN(100))))
				}
			}
			slices.SortStableFunc(entries, func(a, b tar.Header) int { // as engines write them: whiteouts first
				return strings.Count(b.Name, ".wh.") - strings.Count(a.Name, ".wh.")
			})
			for _, e := range entries {
				said += fmt.Sprintf("%c %s %s\n", e.Typeflag, e.Name, e.Linkname)
			}
			layers, said = append(layers, layer(t, entries...)), said+"--\n"
		}
		together, r := stacked(t, layers...), apart(t, layers...)
		for _, a := range names {
			for _, b := range append(names, "") {
				for _, c := range append(names, "") {
					at := Clean(a + "/" + b + "/" + c)
					want, err := together.Lstat(t.Context(), at)
					got, failed := r.Lstat(t.Context(), at)
					require.Equal(t, err == nil, failed == nil, "%s: %v %v\n%s", at, err, failed, said)
					require.Equal(t, want, got, said)
				}
			}
		}
		deep, err := r.Deep(t.Context())
		require.NoError(t, err)
		require.Equal(t, slices.Collect(together.Walk()), slices.Collect(deep.(Lister).Walk()), said)
		once := lost(deep)
		deep, err = r.Deep(t.Context())
		require.NoError(t, err)
		require.Equal(t, once, lost(deep), "asked for again, it has lost no more\n%s", said)
	}
}

func lost(img Image) (all []string) {
	for e, by := range img.(Lister).Lost() {
		all = append(all, fmt.Sprint(e, by))
	}
	return all
}

// A question is answered by the topmost layer that can: those below are not even read.
func TestNoMoreLayersAreReadThanAreNeeded(t *testing.T) {
	r := apart(t, layer(t, file("passwd", "x")), layer(t, dir("d"), file("d/app", "app"), file(".wh.gone", "")))
	r.layers[0], r.read, r.manifest = nil, 1, &v1.Manifest{Layers: make([]v1.Descriptor, 2)}
	e, err := r.Lstat(t.Context(), "/d/app")
	require.NoError(t, err)
	assert.Equal(t, int64(3), e.Size)
	_, err = r.Lstat(t.Context(), "/gone")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = r.Lstat(t.Context(), "/d/app/x")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, Read{Layers: 1, OfLayers: 2}, r.Enough())
	_, err = r.Lstat(t.Context(), "/passwd")
	assert.ErrorIs(t, err, ErrTooLarge)
}
