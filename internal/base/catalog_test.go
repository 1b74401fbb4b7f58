package base

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bases is the repository's own folder of bases.
const bases = "../../bases"

func TestTheRepositorysBases(t *testing.T) {
	c, err := Load(bases)
	require.NoError(t, err)
	b, err := c.Find("article")
	require.NoError(t, err)
	assert.Equal(t, "golang:1.15.7-alpine3.13", b.Image)
	assert.Equal(t, "optimizing-dockerfile/base:golang-1.15.7-alpine3.13", b.standInName(&engine.Engine{OS: "linux", Arch: "amd64"}))
	b.Platform = image.Platform{OS: "linux", Arch: "arm64"}
	assert.Equal(t, "optimizing-dockerfile/base:golang-1.15.7-alpine3.13-arm64", b.standInName(&engine.Engine{OS: "linux", Arch: "amd64"}))
	b.Platform = image.Platform{}
	assert.Equal(t, "/lib/ld-musl-x86_64.so.1", b.Loader["amd64"])
	first, err := c.Find("")
	require.NoError(t, err)
	assert.Equal(t, b, first)

	// What the recipe's Dockerfile says of the base must be what bases.yaml says.
	text, err := os.ReadFile(filepath.Join(b.Recipe.Folder, "Dockerfile"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "GOLANG_VERSION="+b.Go+" ")
	assert.Contains(t, string(text), "optimizing-dockerfile.stand-in-for="+b.Image+"\n")
	assert.Contains(t, string(text), rebuild.LabelRecipe+"=$RECIPE ")
	assert.Equal(t, 2, strings.Count(string(text), "made=base-stage optimizing-dockerfile.rebuild=$REBUILD\n"), "one label a stage")
}

func TestFind(t *testing.T) {
	c, err := Load(bases)
	require.NoError(t, err)
	for _, name := range []string{"golang:1.22-bullseye", "registry.example.org/golang", "golang@sha256:0123"} {
		b, err := c.Find(name)
		require.NoError(t, err)
		assert.Equal(t, Base{ID: name, Image: name}, b)
	}
	known, err := c.Find("golang:1.15.7-alpine3.13")
	require.NoError(t, err)
	assert.Equal(t, "article", known.ID)
	for _, name := range []string{"nope", "-v:x", "a b:c"} {
		_, err := c.Find(name)
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), "article")
		assert.NotContains(t, err.Error(), "\n")
	}
}

func TestLoadNamesTheLine(t *testing.T) {
	const good = "- id: a\n  image: golang:1\n  libc: musl\n"
	for name, c := range map[string]struct{ yaml, want string }{
		"a field that there is not": {good + "  lib: musl\n", "bases.yaml:4: field lib not found"},
		"not YAML":                  {"- id: [a\n", "bases.yaml:"},
		"an id twice":               {good + "- id: a\n  image: golang:2\n  libc: musl\n", "bases.yaml:4: a is there twice"},
		"no image":                  {good + "- id: b\n  libc: musl\n", "bases.yaml:4: base b has no image"},
		"another libc":              {"- {id: a, image: b, libc: newlib}\n", `bases.yaml:1: base a has libc "newlib"`},
		"an id like an image":       {"- {id: a/b, image: b, libc: musl}\n", "bases.yaml:1: id \"a/b\""},
		"half a recipe":             {good + "  recipe: {folder: a}\n", "bases.yaml:1: base a: a recipe needs"},
		"nothing":                   {"", "bases.yaml:1: it lists nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "bases.yaml"), []byte(c.yaml), 0o644))
			_, err := Load(dir)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestDigestCoversTheRecipe(t *testing.T) {
	recipe := func() *rebuild.Recipe {
		folder, app := t.TempDir(), t.TempDir()
		for _, file := range []string{filepath.Join(folder, "Dockerfile"), filepath.Join(folder, "adduser"), filepath.Join(app, "go.mod"), filepath.Join(app, "go.sum")} {
			require.NoError(t, os.WriteFile(file, []byte("a\nb\n"), 0o644))
		}
		return &rebuild.Recipe{
			Folder: folder, Modules: app, Packages: []string{"gcc"},
			Toolchain: rebuild.Toolchain{Module: "m", Version: "v1", Sums: map[string]string{"amd64": "h1:a"}},
		}
	}
	digest := func(r *rebuild.Recipe, arch string) string {
		d, err := r.Digest(arch)
		require.NoError(t, err)
		return d
	}
	plain := digest(recipe(), "amd64")
	assert.Equal(t, plain, digest(recipe(), "amd64"), "the folder's own place does not count")
	assert.NotEqual(t, plain, digest(recipe(), "arm64"))
	write := func(dir func(*rebuild.Recipe) string, name, content string) func(*rebuild.Recipe) {
		return func(r *rebuild.Recipe) { os.WriteFile(filepath.Join(dir(r), name), []byte(content), 0o644) }
	}
	folder, app := func(r *rebuild.Recipe) string { return r.Folder }, func(r *rebuild.Recipe) string { return r.Modules }
	for name, change := range map[string]func(*rebuild.Recipe){
		"Dockerfile": write(folder, "Dockerfile", "a\nc\n"),
		"adduser":    write(folder, "adduser", "a\nc\n"),
		"a new file": write(folder, "new", ""),
		"go.mod":     write(app, "go.mod", "a\nc\n"),
		"go.sum":     write(app, "go.sum", "a\nc\n"),
		"packages":   func(r *rebuild.Recipe) { r.Packages = append(r.Packages, "musl") },
		"release":    func(r *rebuild.Recipe) { r.Toolchain.Version = "v2" },
		"sum":        func(r *rebuild.Recipe) { r.Toolchain.Sums["amd64"] = "h1:b" },
	} {
		r := recipe()
		change(r)
		assert.NotEqual(t, plain, digest(r, "amd64"), name)
	}
	windows := recipe()
	write(folder, "Dockerfile", "a\r\nb\r\n")(windows)
	assert.Equal(t, plain, digest(windows, "amd64"), "a checkout with other line ends is the same recipe")
}
