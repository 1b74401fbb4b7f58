package image

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// archive makes one of `docker save` of blobs by name; the config comes first, then the layers.
func archive(t testing.TB, configName, config string, names []string, layers ...[]byte) []byte {
	entries := []tar.Header{file(configName, config)}
	for i, l := range layers {
		entries = append(entries, file(names[i], string(l)))
	}
	manifest := fmt.Sprintf(`[{"Config":%q,"Layers":["%s"]}]`, configName, strings.Join(names, `","`))
	return layer(t, append(entries, file("manifest.json", manifest))...)
}

func configWith(diffs ...string) string {
	return `{"os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["` + strings.Join(diffs, `","`) + `"]}}`
}

func hexOf[T string | []byte](data T) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(data))) }

// What is damaged is said to be damaged; what nobody vouches for is read as it is.
func TestDamage(t *testing.T) {
	cut := func(b []byte) []byte { return b[:len(b)-6] }
	good, other := layer(t, file("app", "program")), layer(t, file("app", "PROGRAM"))
	right := configWith("sha256:" + hexOf(good))
	flipped := bytes.Clone(good)
	flipped[512] ^= 1
	blob := func(b []byte) string { return "blobs/sha256/" + hexOf(b) }
	for name, c := range map[string]struct {
		data    []byte
		damaged bool
	}{
		"right":                          {archive(t, "c.json", right, []string{"l"}, good), false},
		"right, compressed":              {archive(t, hexOf(right)+".json", right, []string{"l"}, gzipped(good)), false},
		"by blobs":                       {archive(t, blob([]byte(right)), right, []string{blob(gzipped(good))}, gzipped(good)), false},
		"an old docker's":                {archive(t, "c.json", `{"config":{}}`, []string{hexOf("x") + "/layer.tar", "b"}, good, other), false},
		"another layer":                  {archive(t, "c.json", right, []string{"l"}, other), true},
		"a changed byte":                 {archive(t, "c.json", right, []string{"l"}, flipped), true},
		"a layer too many":               {archive(t, "c.json", right, []string{"a", "b"}, good, other), true},
		"cut in gzip's trailer":          {archive(t, "c.json", right, []string{"l"}, cut(gzipped(good))), true},
		"a blob under another's digest":  {archive(t, "c.json", `{"config":{}}`, []string{blob(good)}, other), true},
		"something behind the last byte": {archive(t, "c.json", right, []string{"l"}, append(bytes.Clone(good), 0)), true},
		"another config":                 {archive(t, hexOf("x")+".json", right, []string{"l"}, good), true},
	} {
		img, err := FromFile(t.Context(), write(t, c.data), "", Platform{"linux", "amd64"})
		if err == nil {
			img.Close()
		}
		assert.Equal(t, c.damaged, err != nil, "%s: %v", name, err)
		if c.damaged {
			assert.ErrorContains(t, err, "damaged", name)
		}
	}
}

// Bytes are counted over all layers, however often one is named, and whatever packs them.
func TestBytesAreCountedOverAllLayers(t *testing.T) {
	plain := layer(t, file("big", strings.Repeat("\x00", 10<<20)))
	big := gzipped(plain)
	names := strings.Split(strings.Repeat("l,", 100)+"l", ",")
	for name, c := range map[string]struct {
		data []byte
		free int64
		want error
	}{
		"a layer a hundred times":              {archive(t, "c.json", `{"config":{}}`, names, big), 50 << 20, errBomb},
		"and with enough":                      {archive(t, "c.json", `{"config":{}}`, names, big), 1100 << 20, nil},
		"the archive's packing, and a layer's": {gzipped(archive(t, "c.json", `{"config":{}}`, []string{"l"}, big)), 9 << 20, errBomb},
		"a layer of packed nothing": {archive(t, "c.json", `{"config":{}}`, []string{"l"},
			append(bytes.Repeat(gzipped(nil), 50_000), gzipped(layer(t))...)), 30 << 20, errBomb},
		"of a plain layer": {gzipped(archive(t, "c.json", `{"config":{}}`, []string{"l"}, plain)), 15 << 20, errBomb},
	} {
		b := NewBudget(t.Context(), 0)
		b.unpacked = c.free
		f, err := os.Open(write(t, c.data))
		require.NoError(t, err)
		defer f.Close()
		img, err := fromTarball(b, f, "x", "", Platform{})
		if err == nil {
			img.Close()
		}
		assert.ErrorIs(t, err, c.want, name)
	}
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	l := layer(t, file("app", ""))
	for name, c := range map[string]struct{ config, says string }{
		"a word of a process":    {`{"config":{"User":"` + strings.Repeat("u", 200_000) + `"}}`, "a word of 200000 bytes"},
		"words of a process":     {`{"config":{"Env":["` + strings.Repeat(strings.Repeat("u", 100_000)+`","`, 30) + `"]}}`, "words of 3"},
		"numbers where none are": {`{"history":[1` + strings.Repeat(",1", 1<<18) + `]}`, "lists more"},
	} {
		_, err := FromFile(t.Context(), write(t, archive(t, "c.json", c.config, []string{"l"}, l)), "", Platform{})
		assert.ErrorContains(t, err, c.says, name)
	}
	outer := layer(t, file(strings.Repeat("n/", 3000)+"n", ""), file("manifest.json", "[]"))
	_, err := FromFile(t.Context(), write(t, outer), "", Platform{})
	assert.ErrorContains(t, err, "a path of over 4096 bytes")
}

// heap is what is in use, in megabytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc >> 20)
}

// A tar's reader gives names that are parts of a megabyte: none of that stays.
func TestOnlyNamesAreKept(t *testing.T) {
	long := strings.Repeat("x", 450_000)
	var entries []tar.Header
	for i := range 60 {
		records := map[string]string{"ODE.comment": long, capsRecord: long}
		entries = append(entries, tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("%dü", i), PAXRecords: records},
			tar.Header{Typeflag: tar.TypeSymlink, Name: fmt.Sprintf("%dß", i), Linkname: fmt.Sprintf("%dö", i),
				PAXRecords: map[string]string{"ODE.comment": long}})
	}
	data := layer(t, entries...)
	before := heap()
	k := stacked(t, data)
	assert.Less(t, heap()-before, int64(20))
	e, err := k.Lstat(t.Context(), "/1ü")
	require.NoError(t, err)
	assert.Empty(t, e.Caps)
	outer := write(t, layer(t, append(entries, file("manifest.json", "[]"))...))
	f, err := os.Open(outer)
	require.NoError(t, err)
	defer f.Close()
	before = heap()
	store, err := tarball(f, NewBudget(t.Context(), 0))
	require.NoError(t, err)
	assert.Less(t, heap()-before, int64(20))
	_, err = store.open("1ü")
	assert.NoError(t, err)
	runtime.KeepAlive(data)
}

// Files below a long path: a walk holds one path, not all.
func TestAWalkHoldsOnePath(t *testing.T) {
	deep := strings.Repeat(strings.Repeat("d", 200)+"/", 19)
	k := NewFiles(NewBudget(t.Context(), 0))
	defer k.Discard()
	empty := heap()
	for i := range 20_000 {
		require.NoError(t, k.put(fmt.Sprintf("/%s%05d", deep, i), &node{inode: &inode{}}))
	}
	before, seen := heap(), 0
	assert.Less(t, before-empty, int64(20), "nor does a name hold its path")
	for e := range k.Walk() {
		if seen++; seen == 30 {
			assert.Less(t, heap()-before, int64(20))
			assert.Equal(t, "/"+deep+"00010", e.Path)
		}
	}
	assert.Equal(t, 20_019, seen)
}

func TestDeepAndDoubledEntriesHaveAnEnd(t *testing.T) {
	deep := file(strings.Repeat("a/", 2000)+"f", "")
	for name, c := range map[string]struct {
		entries []tar.Header
		budget  Budget
		want    error
	}{
		"deep":          {[]tar.Header{deep, deep, deep}, Budget{kept: 1 << 30, work: 5000}, errTooSlow},
		"links to deep": {[]tar.Header{deep, hard("a", deep.Name), hard("a", deep.Name)}, Budget{kept: 1 << 30, work: 5000}, errTooSlow},
		"doubled":       {[]tar.Header{file("a", ""), file("a", ""), file("a", "")}, Budget{kept: 3 * costOfNode, work: 5000}, errTooMany},
		"long":          {[]tar.Header{file(strings.Repeat("n", 3000), "")}, Budget{kept: 3000, work: 5000}, errTooMany},
		"links":         {[]tar.Header{link("a", strings.Repeat("n", 3000))}, Budget{kept: 3000, work: 5000}, errTooMany},
		"followed": {[]tar.Header{link("l", deep.Name), file("l/a", ""), file("l/b", ""), file("l/c", "")},
			Budget{kept: 1 << 30, work: 5000}, errTooSlow},
		"followed to and fro": {[]tar.Header{dir("d/"), link("l", strings.Repeat("d/../", 800)+"d"), file("l/a", ""), file("l/b", ""),
			file("l/c", ""), file("l/d", ""), file("l/e", ""), file("l/f", "")}, Budget{kept: 1 << 30, work: 5000}, errTooSlow},
		"taken away": {[]tar.Header{file(strings.Repeat("n", 3000), ""), file(".wh."+strings.Repeat("n", 3000), "")},
			Budget{kept: 6000, work: 5000}, errTooMany},
	} {
		k := NewFiles(NewBudget(t.Context(), 0))
		c.budget.ctx = t.Context()
		k.budget = &c.budget
		assert.ErrorIs(t, k.Apply(1, bytes.NewReader(layer(t, c.entries...))), c.want, name)
		k.Discard()
	}
}

// The old ways to write a sparse file are none to write gigabytes to the disk.
func TestAnOldSparseFileIsNotUnpacked(t *testing.T) {
	h := file("big", "\x7fELF")
	h.PAXRecords = map[string]string{"ODE.sparse.size": "400000000", "ODE.sparse.numblocks": "1", "ODE.sparse.map": "0,4"}
	k := stacked(t, bytes.ReplaceAll(layer(t, h), []byte("ODE.sparse"), []byte("GNU.sparse"))) // the writer refuses these
	e, err := k.Lstat(t.Context(), "/big")
	require.NoError(t, err)
	assert.EqualValues(t, 400_000_000, e.Size)
	assert.LessOrEqual(t, k.spool.used, int64(keepHead))
}

// What is no longer wanted ends, wherever it is.
func TestABudgetKnowsThatTheWorkIsNoLongerWanted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	b := NewBudget(ctx, 0)
	require.NoError(t, b.Work(1000))
	stop()
	assert.ErrorIs(t, b.Work(1000), context.Canceled)
	assert.ErrorIs(t, b.unpack(1), context.Canceled)
}

func FuzzLayer(f *testing.F) {
	f.Add(layer(f, dir("etc/"), file("etc/a", "a"), link("l", "etc"), hard("h", "etc/a"), file(".wh.x", ""), file("etc/.wh..wh..opq", "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		k := NewFiles(NewBudget(t.Context(), 0))
		defer k.Discard()
		for i := range 2 {
			if k.Apply(i+1, bytes.NewReader(b)) != nil {
				break
			}
		}
		for e := range k.Walk() {
			if e.Mode.IsRegular() {
				content(k, e.Path)
			}
		}
	})
}

func FuzzTarball(f *testing.F) {
	f.Add(saved(f, `"app:latest"`, layer(f, file("app", "program"))))
	f.Add(layer(f, file("index.json", circle("a"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		at := filepath.Join(t.TempDir(), "image.tar")
		if err := os.WriteFile(at, b, 0o600); err != nil {
			t.Skip(err)
		}
		if img, err := FromFile(context.Background(), at, "", Platform{"linux", "amd64"}); err == nil {
			img.Close()
		}
	})
}
