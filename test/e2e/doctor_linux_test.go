package e2e

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

// savedBytes is how large an image is: the regular files in all its layers, as `save`
// writes them, hard links once. No two engines say the same of an image; this they do.
func savedBytes(t *testing.T, c engines.Client, image string) (sum int64) {
	t.Helper()
	dir := t.TempDir()
	c.Docker(t, "save", "--output", filepath.Join(dir, "image.tar"), image)
	saved, err := os.Open(filepath.Join(dir, "image.tar"))
	require.NoError(t, err)
	defer saved.Close()
	names := map[string]string{} // of links in it
	kept := map[string]string{}  // where a file of it lies here
	for all := tar.NewReader(saved); ; {
		entry, err := all.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch entry.Typeflag {
		case tar.TypeSymlink:
			names[entry.Name] = filepath.Join(filepath.Dir(entry.Name), entry.Linkname)
		case tar.TypeReg:
			file, err := os.CreateTemp(dir, "part-")
			require.NoError(t, err)
			_, err = io.Copy(file, all)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			kept[entry.Name] = file.Name()
		}
	}
	text, err := os.ReadFile(kept["manifest.json"])
	require.NoError(t, err)
	var images []struct{ Layers []string }
	require.NoError(t, json.Unmarshal(text, &images))
	require.Len(t, images, 1)
	for _, layer := range images[0].Layers {
		if of, linked := names[layer]; linked {
			layer = of
		}
		sum += layerBytes(t, kept[layer])
	}
	return sum
}

func layerBytes(t *testing.T, path string) (sum int64) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	packed := bufio.NewReader(file)
	var plain io.Reader = packed
	begin, _ := packed.Peek(4)
	switch {
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		plain, err = gzip.NewReader(packed)
	case bytes.Equal(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		plain, err = zstd.NewReader(packed)
	}
	require.NoError(t, err)
	for files := tar.NewReader(plain); ; {
		entry, err := files.Next()
		if err == io.EOF {
			return sum
		}
		require.NoError(t, err)
		if entry.Typeflag == tar.TypeReg {
			sum += entry.Size
		}
	}
}

// The program on a daemon of its own: it is a good guest there.
func TestAGoodGuest(t *testing.T) {
	g := guest.New(t)
	onlyOursIsTouched(t, g)
}

// What is the user's stays as it is, and does not disturb a run; clean takes away
// exactly what the tool made.
func onlyOursIsTouched(t *testing.T, g guest.Guest) {
	g.Docker(t, "tag", guest.StandIn, "base-of-mine") // an image of the user's, from our base, by the article's name
	g.Docker(t, "build", "--quiet", "--build-arg", "GO_IMAGE=base-of-mine", "--tag", "echo", "../../steps/01-single-stage")
	g.Docker(t, "run", "--detach", "--name", "echo", "--publish", "8080:8080", "echo")
	mine := g.Images(t)
	container := g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo")

	out := g.Run(t, "run", "2", "4")
	assert.Contains(t, out, "All as in the article")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Equal(t, "echo", g.Docker(t, "ps", "--all", "--format", "{{.Names}}"), "the user's container alone")
	assert.Subset(t, g.Images(t), mine)

	g.Docker(t, "tag", "optimizing-dockerfile:04-cgo-disabled", "echo:small") // and one of ours that the user named
	out = g.Run(t, "clean")
	assert.Contains(t, out, "build cache stays")
	names := g.Docker(t, "images", "--format", "{{.Repository}}:{{.Tag}}")
	assert.Contains(t, names, "echo:small")
	assert.NotContains(t, names, "optimizing-dockerfile")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Subset(t, g.Images(t), mine)

	g.Docker(t, "rmi", "--no-prune", "echo:small") // what was ours, and under it, goes as soon as it may
	g.Run(t, "clean")
	assert.ElementsMatch(t, mine, g.Images(t), "all that is left is the user's")
	assert.NoDirExists(t, g.Cache)
	g.Docker(t, "rm", "--force", "echo")
}

// A container that died is examined with its own options, beside what the engine recorded; nothing is left behind.
func TestTheDoctorExaminesAContainer(t *testing.T) {
	engines.Engine(t)
	script := corpus.Spec{Entrypoint: []string{"/app"}, Files: map[string]corpus.File{"/app": {Mode: 0o755, Data: []byte("#!/nowhere\n")}}}
	for _, c := range []engines.Client{engines.OwnDaemon(t).Client, engines.Docker29(t).Client, engines.Podman(t)} {
		t.Run(c.Name, func(t *testing.T) {
			c.LoadFrom(t, func(w io.Writer) error { return corpus.Save(w, map[string]corpus.Spec{"died:1": script}, nil) })
			c.Command(c.Program, "run", "--detach", "--network=none", "--name=died", "died:1").Run()
			c.Command(c.Program, "run", "--detach", "--network=none", "--name=refused", "--entrypoint=/none", "died:1").Run()
			list := func() string { return c.Docker(t, "ps", "--all", "--no-trunc", "--format={{.ID}} {{.Names}}") }
			before := list()
			for name, says := range map[string][]string{
				"died":    {"missing-interpreter", "/nowhere", "status: exited", "exec /app: no such file or directory"},
				"refused": {"missing-entrypoint", "/none is not there", "status: created"},
			} {
				out, _ := c.Command(tool.Path(t), "doctor", "--container", name).CombinedOutput()
				for _, words := range says {
					assert.Contains(t, string(out), words)
				}
			}
			command := c.Command(tool.Path(t), "doctor", "--container", "nobody")
			out, _ := command.CombinedOutput()
			assert.Equal(t, tool.Environment, command.ProcessState.ExitCode())
			assert.Contains(t, string(out), "lists those that are there")
			assert.Equal(t, before, list(), "left behind, or taken away")
		})
	}
}
