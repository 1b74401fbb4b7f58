package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small is a bundle of the shape of a real one.
func small(t *testing.T) []byte {
	tool := Tool{OS: runtime.GOOS, Arch: runtime.GOARCH, File: toolFile(runtime.GOOS, runtime.GOARCH)}
	image := Base{ID: "article", Image: "optimizing-dockerfile/base:1", Arch: "amd64", Recipe: "r", File: imageFile("article", "amd64")}
	files := []File{
		InMemory("steps/steps.yaml", []byte("- step: 01-x\n")),
		InMemory("steps/01-x/Dockerfile", []byte("FROM scratch\n")),
		InMemory(tool.File, []byte("the tool")),
		InMemory(image.File, []byte("the image")),
	}
	files[2].Program = true
	var out bytes.Buffer
	require.NoError(t, Write(&out, Manifest{Tools: []Tool{tool}, Bases: []Base{image}}, files))
	return out.Bytes()
}

func open(t *testing.T, content []byte) (*Bundle, error) {
	file := filepath.Join(t.TempDir(), "b.tar")
	require.NoError(t, os.WriteFile(file, content, 0o644))
	b, err := Open(file)
	if err == nil {
		t.Cleanup(func() { b.Close() })
	}
	return b, err
}

func TestABundleGivesBackWhatWentIn(t *testing.T) {
	text := small(t)
	assert.Equal(t, text, small(t), "the same files, the same bytes")
	b, err := open(t, text)
	require.NoError(t, err)
	assert.EqualValues(t, len(text), b.Size)
	got, err := io.ReadAll(b.named("images/article-amd64.tar.gz").reader())
	require.NoError(t, err)
	assert.Equal(t, "the image", string(got))
	_, err = b.For("riscv64")
	assert.ErrorContains(t, err, "no base for riscv64, only for amd64")
}

// Every single byte counts, also those between the files and after the last.
func TestOneFlippedBitIsRefused(t *testing.T) {
	text := small(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "b.tar"))
	require.NoError(t, err)
	defer file.Close()
	_, err = file.Write(text)
	require.NoError(t, err)
	put := func(at int, flipped byte) {
		_, err := file.WriteAt([]byte{text[at] ^ flipped}, int64(at))
		require.NoError(t, err)
	}
	for i := range text {
		put(i, 1<<(i%8))
		b, err := Open(file.Name())
		if !assert.ErrorIs(t, err, ErrDamaged, "byte %d", i) {
			b.Close()
			return
		}
		put(i, 0)
	}
	b, err := Open(file.Name())
	require.NoError(t, err, "it is as it was")
	b.Close()
}

func TestACutOrLongerFileIsRefused(t *testing.T) {
	text := small(t)
	for _, wrong := range [][]byte{nil, text[:100], text[:len(text)/2], text[:len(text)-512], text[:len(text)-1], append(text[:len(text):len(text)], 0), append(text[:len(text):len(text)], text...)} {
		_, err := open(t, wrong)
		assert.ErrorIs(t, err, ErrDamaged, "%d of %d bytes", len(wrong), len(text))
	}
}

// A bundle whose sums are right, and whose names lead elsewhere.
func TestNamesThatLeadOutAreRefused(t *testing.T) {
	for _, name := range []string{"../evil", "/etc/evil", "steps/../../evil", `..\evil`, "C:evil", "steps//x", ""} {
		assert.Error(t, Write(&bytes.Buffer{}, Manifest{}, []File{InMemory(name, nil)}), name)

		all, err := sealed(Manifest{Schema: 1, Kind: "bundle"}, []File{InMemory("NAME", nil)})
		require.NoError(t, err)
		list, err := io.ReadAll(all[0].reader())
		require.NoError(t, err)
		all[0], all[2].Name = InMemory(sums, bytes.ReplaceAll(list, []byte("NAME"), []byte(name))), name
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, f := range all {
			h := &tar.Header{Name: Folder + "/" + f.Name, Size: f.content.Size(), Mode: 0o644, Format: tar.FormatUSTAR}
			require.NoError(t, w.WriteHeader(h))
			_, err := io.Copy(w, f.reader())
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		_, err = open(t, out.Bytes())
		assert.ErrorContains(t, err, "is no name for a file of a bundle", name)
	}
}

func TestUnpackWritesOverNothing(t *testing.T) {
	b, err := open(t, small(t))
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "lesson")
	tool, err := b.Unpack(dir)
	require.NoError(t, err)
	tool = filepath.Join(dir, tool)
	text, err := os.ReadFile(tool)
	require.NoError(t, err)
	assert.Equal(t, "the tool", string(text))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(tool)
		require.NoError(t, err)
		assert.NotZero(t, info.Mode()&0o100, "it can be run")
	}
	assert.NoDirExists(t, filepath.Join(dir, "images"), "the image goes to the engine, not to the folder")
	_, err = b.Unpack(dir)
	require.NoError(t, err, "again is no harm")

	changed := filepath.Join(dir, "steps", "01-x", "Dockerfile")
	require.NoError(t, os.WriteFile(changed, []byte("FROM mine\n"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(dir, "steps", "steps.yaml")))
	_, err = b.Unpack(dir)
	assert.ErrorContains(t, err, changed+" is there already, and it is not the bundle's")
	assert.NoFileExists(t, filepath.Join(dir, "steps", "steps.yaml"), "nothing was written")
}

// A link in the folder must not take a file somewhere else.
func TestUnpackFollowsNoLinkOutOfTheFolder(t *testing.T) {
	b, err := open(t, small(t))
	require.NoError(t, err)
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "steps")); err != nil {
		t.Skip("NOT TESTED: this system makes no links for this user:", err)
	}
	_, err = b.Unpack(dir)
	assert.Error(t, err)
	left, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A learner has no git: what the bundle brought comes back, and what is the learner's own stays.
func TestResetGivesTheFaultBack(t *testing.T) {
	tool := Tool{OS: runtime.GOOS, Arch: runtime.GOARCH, File: toolFile(runtime.GOOS, runtime.GOARCH)}
	const name = "workshop/exercises/01-x/Dockerfile"
	var out bytes.Buffer
	files := []File{InMemory(name, []byte("FROM broken\n")), InMemory(tool.File, []byte("the tool"))}
	require.NoError(t, Write(&out, Manifest{Tools: []Tool{tool}}, files))
	b, err := open(t, out.Bytes())
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = b.Unpack(dir)
	require.NoError(t, err)
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.WriteFile(file, []byte("FROM mended\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(file), "mine"), nil, 0o644))
	require.NoError(t, Reset(t.Context(), dir, "workshop/exercises/01-x"))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "FROM broken\n", string(text))
	assert.FileExists(t, filepath.Join(filepath.Dir(file), "mine"))
	assert.ErrorContains(t, Reset(t.Context(), dir, "workshop/start"), "is not from a bundle")
}

// Who has no Go finds no command of Go's in what there is to read.
func TestTheTextsOfABundleCallTheToolThatIsInIt(t *testing.T) {
	files, err := lesson("../../..")
	require.NoError(t, err)
	texts := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name, ".md") {
			continue
		}
		text, err := io.ReadAll(f.reader())
		require.NoError(t, err)
		assert.NotContains(t, string(text), "go run ./scripts", f.Name)
		assert.NotContains(t, string(text), "git checkout", f.Name)
		if bytes.Contains(text, []byte("bin/steps")) {
			texts++
		}
	}
	assert.Greater(t, texts, 20)
}

// What a manifest says stands in scripts and goes to the engine: only what `bundle` writes will do.
func TestAManifestOfOthersWords(t *testing.T) {
	right := Tool{OS: "linux", Arch: "amd64", File: toolFile("linux", "amd64")}
	ours := Base{ID: "article", Image: "optimizing-dockerfile/base:1", Arch: "amd64", File: imageFile("article", "amd64")}
	for name, m := range map[string]Manifest{
		"right":                        {Tools: []Tool{right}, Bases: []Base{ours}},
		"a shell's words as a system":  {Tools: []Tool{{OS: "linux) id;;", Arch: "amd64", File: toolFile("linux) id;;", "amd64")}}},
		"the bundle itself as a tool":  {Tools: []Tool{{OS: "linux", Arch: "amd64", File: manifest}}},
		"a tool twice":                 {Tools: []Tool{right, right}},
		"somebody's image":             {Bases: []Base{{ID: "article", Image: "mine:1", Arch: "amd64", File: ours.File}}},
		"an option as an image":        {Bases: []Base{{ID: "article", Image: "--all", Arch: "amd64", File: ours.File}}},
		"an architecture of two words": {Bases: []Base{{ID: "a", Image: ours.Image, Arch: "amd64 x", File: imageFile("a", "amd64 x")}}},
		"another file as a base":       {Bases: []Base{{ID: "article", Image: ours.Image, Arch: "amd64", File: right.File}}},
	} {
		files := map[string]bool{right.File: true, ours.File: true}
		for _, tool := range m.Tools {
			files[tool.File] = true
		}
		for _, b := range m.Bases {
			files[b.File] = true
		}
		delete(files, manifest)
		var all []File
		for file := range files {
			all = append(all, InMemory(file, nil))
		}
		var out bytes.Buffer
		require.NoError(t, Write(&out, m, all))
		_, err := open(t, out.Bytes())
		assert.Equal(t, name == "right", err == nil, "%s: %v", name, err)
	}
}

// An image's archive may name the base and nothing else, in whichever table an engine reads.
func TestAnImageUnderForeignNames(t *testing.T) {
	const want = "optimizing-dockerfile/base:1"
	packed := func(headers ...tar.Header) *bytes.Buffer {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for _, h := range headers {
			text := h.Uname
			h.Uname, h.Size = "", int64(len(text))
			require.NoError(t, w.WriteHeader(&h))
			w.Write([]byte(text))
		}
		w.Close()
		z.Close()
		return &b
	}
	table := func(name, text string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Uname: text} }
	layout := func(name, ref string) tar.Header {
		return table("index.json", fmt.Sprintf(`{"manifests":[{"annotations":
			{"io.containerd.image.name":%q,"org.opencontainers.image.ref.name":%q}}]}`, name, ref))
	}
	good := table("manifest.json", `[{"RepoTags":["optimizing-dockerfile/base:1"]}]`)
	old := table("repositories", `{"optimizing-dockerfile/base":{"1":"a"}}`)
	for name, c := range map[string]struct {
		entries []tar.Header
		fine    bool
	}{
		"docker's":     {[]tar.Header{table("a/layer.tar", "x"), good, old}, true},
		"podman's":     {[]tar.Header{table("manifest.json", `[{"RepoTags":["localhost/optimizing-dockerfile/base:1"]}]`)}, true},
		"docker 29's":  {[]tar.Header{good, layout("docker.io/optimizing-dockerfile/base:1", "1")}, true},
		"one more":     {[]tar.Header{table("manifest.json", `[{"RepoTags":["optimizing-dockerfile/base:1","mine:1"]}]`)}, false},
		"another":      {[]tar.Header{table("manifest.json", `[{"repotags":["mine:1"]}]`)}, false},
		"none":         {[]tar.Header{table("manifest.json", `[{"RepoTags":null}]`)}, false},
		"a second one": {[]tar.Header{good, table("./Manifest.json", `[{"RepoTags":["mine:1"]}]`)}, false},
		"a layout's":   {[]tar.Header{good, layout("docker.io/library/mine:1", "1")}, false},
		"a layout's 2": {[]tar.Header{good, layout("docker.io/optimizing-dockerfile/base:1", "mine")}, false},
		"the old ones": {[]tar.Header{good, table("repositories", `{"mine":{"1":"a"}}`)}, false},
		"a link":       {[]tar.Header{good, {Typeflag: tar.TypeSymlink, Name: "manifest.json", Linkname: "other"}}, false},
		"by a link":    {[]tar.Header{good, {Typeflag: tar.TypeSymlink, Name: "d", Linkname: "."}, table("d/manifest.json", "[]")}, false},
	} {
		err := onlyNames(t.Context(), section(packed(c.entries...).Bytes()), want)
		assert.Equal(t, c.fine, err == nil, "%s: %v", name, err)
	}
}

// An image's archive of a few kilobytes takes neither all memory nor all day.
func TestAnImageThatIsABomb(t *testing.T) {
	const want = "optimizing-dockerfile/base:1"
	for name, c := range map[string]struct {
		entry tar.Header
		times int
		says  string
	}{
		"zeros":       {tar.Header{Typeflag: tar.TypeReg, Name: "layer.tar", Size: 64 << 20}, 12, "archive bomb"},
		"a long name": {tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("a/", 40_000)}, 1, "a path of over 4096 bytes"},
		"links":       {tar.Header{Typeflag: tar.TypeSymlink, Name: strings.Repeat("a", 4000), Linkname: "b"}, 34_000, "more files"},
		"folders":     {tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("a/", 2000) + "b"}, 10_000, "more folders"},
	} {
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		require.NoError(t, err)
		w := tar.NewWriter(z)
		for n := range c.times {
			h := c.entry
			h.Name += fmt.Sprint(n)
			require.NoError(t, w.WriteHeader(&h))
			io.CopyN(w, zeros{}, h.Size)
		}
		w.Close()
		z.Close()
		err = onlyNames(t.Context(), section(packed.Bytes()), want)
		assert.ErrorContains(t, err, c.says, name)
	}
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// What lies in the folder may be no file, and a program may have lost its mode.
func TestUnpackMendsAModeAndWaitsForNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it has no modes")
	}
	b, err := open(t, small(t))
	require.NoError(t, err)
	dir := t.TempDir()
	tool, err := b.Unpack(dir)
	require.NoError(t, err)
	tool = filepath.Join(dir, tool)
	require.NoError(t, os.Chmod(tool, 0o644))
	_, err = b.Unpack(dir)
	require.NoError(t, err)
	info, err := os.Stat(tool)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&0o100)

	require.NoError(t, os.Remove(tool))
	require.NoError(t, os.Symlink("/dev/zero", tool))
	_, err = b.Unpack(dir)
	assert.Error(t, err, "a device has no end")
}
