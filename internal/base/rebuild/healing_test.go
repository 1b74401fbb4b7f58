package rebuild

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/test/engines"
)

// ways in which a file in the cache goes bad
var damages = map[string]func(t *testing.T, file string){
	"a byte": func(t *testing.T, file string) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		content[len(content)/2] ^= 1
		overwrite(t, file, content)
	},
	"cut off": func(t *testing.T, file string) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		overwrite(t, file, content[:len(content)/2])
	},
	"another": func(t *testing.T, file string) { // whole in itself, but not what it should be
		var content bytes.Buffer
		w := zip.NewWriter(&content)
		require.NoError(t, w.Close())
		overwrite(t, file, content.Bytes())
	},
	"gone": func(t *testing.T, file string) { require.NoError(t, os.Remove(file)) },
}

func overwrite(t *testing.T, file string, content []byte) {
	require.NoError(t, os.Remove(file)) // it may be read-only
	require.NoError(t, os.WriteFile(file, content, 0o644))
}

// fakeApt puts an apt-get on PATH that has two packages in a folder, and notes
// how often it is asked for them.
func fakeApt(t *testing.T) (calls func() string) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir()
	var uris strings.Builder
	for _, name := range []string{"gcc_1.deb", "musl_2.deb"} {
		content := []byte("the package " + name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
		sum := sha256.Sum256(content)
		fmt.Fprintf(&uris, "'http://archive.example.org/%s' %s %d SHA256:%s\n", name, name, len(content), hex.EncodeToString(sum[:]))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "uris"), []byte(uris.String()), 0o644))
	script := `#!/bin/sh
echo "$*" >> ` + dir + `/calls
all="$*"; folder=${all#*Dir::Cache::archives=}; folder=${folder%% *}
case "$*" in
*--print-uris*) echo Reading...; cat ` + dir + `/uris ;;
*--download-only*) for f in gcc_1.deb musl_2.deb; do
	if [ ! -e "$folder/$f" ]; then cp ` + dir + `/$f "$folder/"; echo "fetched $f" >> ` + dir + `/calls; fi
	done ;;
esac
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "apt-get"), []byte(script), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() string {
		text, _ := os.ReadFile(filepath.Join(dir, "calls"))
		os.Remove(filepath.Join(dir, "calls"))
		return string(text)
	}
}

// cacheOf gives a cache that the test can remove; of the same folder, a later run's.
func cacheOf(t *testing.T, dir string) *cache { return &cache{dir: dir, work: t.TempDir()} }

// packages gives those that the fake apt has.
func packages(t *testing.T, c *cache, names ...string) []string {
	folder, err := c.packages(t.Context(), &Recipe{Folder: "a", Packages: names}, "arm64")
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(folder, "*.deb"))
	require.NoError(t, err)
	return files
}

// toolchain gives the zip of a release, as a build gets it.
func toolchain(t *testing.T, c *cache, release Toolchain) string {
	dir := t.TempDir()
	require.NoError(t, c.toolchain(t.Context(), release, "amd64", dir))
	return filepath.Join(dir, "toolchain.zip")
}

func TestPackagesHeal(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			calls := fakeApt(t)
			c := cacheOf(t, t.TempDir())
			first := packages(t, c, "gcc", "musl-tools")
			assert.Len(t, first, 2)
			assert.Contains(t, calls(), "gcc musl-tools")
			packages(t, c, "gcc", "musl-tools")
			assert.Empty(t, calls(), "whole files are used without asking anybody")

			damage(t, first[0])
			again := packages(t, c, "gcc", "musl-tools")
			assert.Equal(t, first, again)
			content, err := os.ReadFile(again[0])
			require.NoError(t, err)
			assert.Equal(t, "the package gcc_1.deb", string(content))
			asked := calls()
			assert.Contains(t, asked, "fetched gcc_1.deb")
			assert.NotContains(t, asked, "fetched musl_2.deb", "what is whole is not downloaded again")
		})
	}
}

// A list that was cut off after a line would leave out packages, and nobody would miss them.
func TestAListOfPackagesThatWasCutOffIsNotTrusted(t *testing.T) {
	fakeApt(t)
	c := cacheOf(t, t.TempDir())
	all := packages(t, c, "gcc", "musl-tools")
	list := filepath.Dir(all[0]) + ".sums"
	text, err := os.ReadFile(list)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	for n := range len(lines) - 1 {
		overwrite(t, list, []byte(strings.Join(lines[:n], "")))
		assert.Equal(t, all, packages(t, c, "gcc", "musl-tools"), "of its lines, %d", n)
	}
}

func TestOtherPackagesAreAskedForAnew(t *testing.T) {
	calls := fakeApt(t)
	c := cacheOf(t, t.TempDir())
	packages(t, c, "gcc")
	calls()
	packages(t, c, "gcc", "musl-tools")
	assert.Contains(t, calls(), "gcc musl-tools")
}

func TestADownloadThatWasCutOffHeals(t *testing.T) {
	calls := fakeApt(t)
	c := cacheOf(t, t.TempDir())
	folder := filepath.Join(c.dir, "packages-a-arm64")
	require.NoError(t, os.Mkdir(folder, 0o755))
	// One package had come, half; another is of a version that there is no more.
	require.NoError(t, os.WriteFile(filepath.Join(folder, "gcc_1.deb"), []byte("the pack"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "gcc_0.deb"), []byte("old"), 0o644))
	assert.Equal(t, []string{filepath.Join(folder, "gcc_1.deb"), filepath.Join(folder, "musl_2.deb")}, packages(t, c, "gcc"))
	assert.NoFileExists(t, filepath.Join(folder, "gcc_0.deb"))
	assert.Contains(t, calls(), "fetched gcc_1.deb")
}

// proxy makes a module proxy in a folder, with one module in it, and has the
// go command use it alone. It returns the sums of the zip and of the go.mod.
func proxy(t *testing.T, path, version string) (root, zipSum, modSum string) {
	if _, err := exec.LookPath("go"); err != nil {
		engines.Without(t, "there is no go command on PATH")
	}
	root = t.TempDir()
	escaped, err := module.EscapePath(path)
	require.NoError(t, err)
	dir := filepath.Join(root, filepath.FromSlash(escaped), "@v")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	mod := []byte("module " + path + "\n")
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for name, content := range map[string][]byte{"go.mod": mod, "a.go": []byte("package a // " + strings.Repeat("a", 1000))} {
		f, err := w.Create(path + "@" + version + "/" + name)
		require.NoError(t, err)
		f.Write(content)
	}
	require.NoError(t, w.Close())
	for ending, content := range map[string][]byte{".zip": archive.Bytes(), ".mod": mod, ".info": []byte(`{"Version":"` + version + `"}`)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, version+ending), content, 0o644))
	}
	zipSum, err = dirhash.HashZip(filepath.Join(dir, version+".zip"), dirhash.Hash1)
	require.NoError(t, err)
	modSum, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(mod)), nil })
	require.NoError(t, err)
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(root))
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GONOPROXY", "none")
	return root, zipSum, modSum
}

func TestTheToolchainHeals(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			_, sum, _ := proxy(t, "example.org/toolchain", "v0.0.1-go1.linux-amd64")
			dir := t.TempDir()
			release := Toolchain{Module: "example.org/toolchain", Version: "v0.0.1-go1", Sums: map[string]string{"amd64": sum}}
			toolchain(t, cacheOf(t, dir), release)
			damage(t, filepath.Join(dir, "go-v0.0.1-go1.linux-amd64", "toolchain.zip"))
			got, err := dirhash.HashZip(toolchain(t, cacheOf(t, dir), release), dirhash.Hash1)
			require.NoError(t, err)
			assert.Equal(t, sum, got)

			t.Setenv("GOPROXY", "off")
			err = cacheOf(t, dir).toolchain(t.Context(), release, "amd64", t.TempDir())
			assert.NoError(t, err, "a whole one is used without asking anybody")
		})
	}
}

func TestAToolchainWithAnotherSumIsRefused(t *testing.T) {
	proxy(t, "example.org/toolchain", "v0.0.1-go1.linux-amd64")
	c := cacheOf(t, t.TempDir())
	release := Toolchain{Module: "example.org/toolchain", Version: "v0.0.1-go1", Sums: map[string]string{"amd64": "h1:other"}}
	err := c.toolchain(t.Context(), release, "amd64", t.TempDir())
	assert.ErrorContains(t, err, "bases.yaml says h1:other")
	left, _ := filepath.Glob(filepath.Join(c.dir, "*", "*"))
	assert.Empty(t, left, "it is not kept")
}

// An app's modules are what its go.sum says, whatever happened to the cache; a module with another sum does not come in.
func TestTheAppsModulesHeal(t *testing.T) {
	_, zipSum, modSum := proxy(t, "example.org/Lib", "v1.0.0")
	app, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(app, "go.mod"), []byte("module app\n\ngo 1.15\n\nrequire example.org/Lib "+
		"v1.0.0\n"), 0o644))
	list := func(zipSum string) {
		text := "example.org/Lib v1.0.0 " + zipSum + "\nexample.org/Lib v1.0.0/go.mod " + modSum + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(app, "go.sum"), []byte(text), 0o644))
	}
	list(zipSum)
	tarred := func() string {
		context := t.TempDir()
		require.NoError(t, cacheOf(t, dir).modules(t.Context(), app, context))
		all, err := os.ReadFile(filepath.Join(context, "modules.tar"))
		require.NoError(t, err)
		return string(all)
	}
	whole := tarred()
	for _, holds := range []string{"example.org/!lib/@v/v1.0.0.zip", "v1.0.0.mod", "v1.0.0.info"} {
		assert.Contains(t, whole, holds)
	}
	for name, damage := range damages {
		damage(t, filepath.Join(dir, "modules", "modules.tar"))
		assert.Equal(t, whole, tarred(), name)
	}
	list(modSum)
	err := cacheOf(t, dir).modules(t.Context(), app, t.TempDir())
	assert.ErrorContains(t, err, "checksum mismatch")
}

// said is a reporter that hands on each sentence.
type said chan string

func (s said) Say(sentence string) { s <- sentence }

func TestTheCacheIsOneRunsAtATime(t *testing.T) {
	t.Setenv(program.CacheVariable, t.TempDir())
	first, err := openCache(context.Background(), nil)
	require.NoError(t, err)
	work := first.work
	require.NoError(t, os.MkdirAll(filepath.Join(work, "read-only"), 0o555))

	told, got := make(chan string, 9), make(chan *cache)
	go func() {
		second, _ := openCache(context.Background(), said(told))
		got <- second
	}()
	select {
	case sentence := <-told:
		assert.Contains(t, sentence, "waiting for another run")
	case <-time.After(10 * time.Second):
		t.Fatal("it does not say that it waits")
	}
	assert.DirExists(t, work, "it is not touched while its run goes on")
	first.close()
	second := <-got
	require.NotNil(t, second)
	defer second.close()
	assert.NoDirExists(t, work, "a run that was cut off left it")

	stopped, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	_, err = openCache(stopped, nil)
	assert.ErrorIs(t, err, context.DeadlineExceeded, "a wait ends with its context")
}

func TestACacheThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	t.Setenv(program.CacheVariable, file)
	_, err := openCache(context.Background(), nil)
	require.Error(t, err)
	assert.Contains(t, err.Error(), program.CacheVariable)
	assert.Contains(t, err.Error(), file)
}
