// Package source reads an engine's images for the doctor: it asks for single files of
// a large one, and for everything of a small one.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

// FromEngine opens an image that the engine has, for reading: deep, with every layer and every file of it, which
// takes as long as it is large. The error is a *image.NotFound, an *image.Fault, or the context's.
func FromEngine(ctx context.Context, e *engine.Engine, ref string, deep bool) (image.Image, error) {
	about, err := inspect(ctx, e, ref)
	if err != nil {
		return nil, err
	}
	return open(ctx, e, ref, about, deep)
}

// inspect asks the engine what an image is.
func inspect(ctx context.Context, e *engine.Engine, ref string) (engine.Image, error) {
	about, err := e.FindImage(ctx, ref)
	if err == nil && about == nil {
		err = &image.NotFound{Ref: ref, Reason: "build or pull it first (`" + e.Name + " images` lists what is there), " +
			"or look in its registry with --remote"}
	}
	if err == nil {
		err = about.Config.TooLong()
	}
	if err != nil {
		return engine.Image{}, image.Failed(ctx, ref, err)
	}
	return *about, nil
}

// aboutOf is what the engine says of an image that was asked for by a name.
func aboutOf(name string, i engine.Image) image.About {
	return image.About{Name: name, ID: i.ID, Config: i.Config}
}

// Small says whether an image is read whole: those from scratch are far below, those with a system
// in them far above. Engines list up to half as much again as the files have.
func Small(about engine.Image) bool { return about.Listed < 96<<20 }

// open opens an image that the engine has described. podman's are all read whole: its cp follows links, and cannot show them.
func open(ctx context.Context, e *engine.Engine, ref string, about engine.Image, deep bool) (image.Image, error) {
	if deep || e.Name == "podman" || Small(about) {
		return saved(ctx, e, ref, about)
	}
	return created(ctx, e, ref, about)
}

// saved opens an image by all that `save` gives of it.
func saved(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (image.Image, error) {
	files, err := readSaved(ctx, e, ref)
	if err != nil {
		return nil, err
	}
	return image.Of(files, aboutOf(ref, about), false), nil
}

func readSaved(ctx context.Context, e *engine.Engine, ref string) (*image.Files, error) {
	return image.ReadSaved(ctx, ref, func(to io.Writer) error { return e.Run(ctx, nil, to, nil, saveWords(e, ref)...) })
}

func saveWords(e *engine.Engine, ref string) []string {
	if e.Name == "podman" {
		return []string{"save", "--format=docker-archive", ref}
	}
	return []string{"save", ref}
}

// Cache keeps the files of an engine's images for as long as several of them are
// looked at: images of the same layers hold the same files, which are read once.
// The zero value is an empty one.
type Cache struct {
	read sync.Map // by the list of layers: func() (*image.Files, error)
}

// Open opens an image that the engine has described, to look into: a small one's files are
// read all at once, and stay until the cache is closed; a large one is asked for each.
func (s *Cache) Open(ctx context.Context, e *engine.Engine, about engine.Image) (image.Image, error) {
	if !Small(about) {
		return open(ctx, e, about.ID, about, false)
	}
	files, err := s.files(ctx, e, about)
	if err != nil {
		return nil, err
	}
	return image.Of(files, aboutOf(about.ID, about), true), nil
}

// Fetch begins to read a small image, ahead of Open and Weigh. Close waits for it.
func (s *Cache) Fetch(ctx context.Context, e *engine.Engine, about engine.Image) {
	if Small(about) {
		read := s.reader(ctx, e, about) // Close knows of it from now on
		go read()
	}
}

// reader gives what reads a small image, once for all that ask.
func (s *Cache) reader(ctx context.Context, e *engine.Engine, about engine.Image) func() (*image.Files, error) {
	read, _ := s.read.LoadOrStore(layersOf(about), sync.OnceValues(func() (*image.Files, error) { return readSaved(ctx, e, about.ID) }))
	return read.(func() (*image.Files, error))
}

func layersOf(about engine.Image) string { return strings.Join(about.RootFS.Layers, " ") }

// files gives those of a small image.
func (s *Cache) files(ctx context.Context, e *engine.Engine, about engine.Image) (*image.Files, error) {
	files, err := s.reader(ctx, e, about)()
	if err != nil {
		s.read.Delete(layersOf(about)) // what could not be read once can be later
	}
	return files, err
}

// Weigh gives how large an image is, on every engine and store the same: the regular files
// of all its layers, added up, hard links once. What engines list counts more: packed
// layers, blocks, headers, or at least the targets of links. A small image is read for it,
// and all that it holds but folders comes along.
func (s *Cache) Weigh(ctx context.Context, e *engine.Engine, about engine.Image) (bytes int64, holds []image.Entry, err error) {
	if !Small(about) {
		bytes, err = layerBytes(ctx, e, about)
		return bytes, nil, err
	}
	files, err := s.files(ctx, e, about)
	if err != nil {
		return 0, nil, err
	}
	for entry := range files.Walk() {
		if !entry.Mode.IsDir() {
			holds = append(holds, entry)
		}
	}
	return files.Bytes, holds, nil
}

// layerBytes adds up the sizes of a large image's layers. They are noted in the cache folder by their digests, as the
// same layer is always as large; the image is read where one is not noted.
func layerBytes(ctx context.Context, e *engine.Engine, about engine.Image) (sum int64, err error) {
	dir, err := program.CacheDir()
	if err != nil {
		return 0, err
	}
	known, noted := map[string]int64{}, filepath.Join(dir, "layers.json")
	text, _ := os.ReadFile(noted)
	json.Unmarshal(text, &known) // what two processes wrote at once makes no sense, and is read anew
	missing := func(layer string) bool { _, ok := known[layer]; return !ok }
	if slices.ContainsFunc(about.RootFS.Layers, missing) {
		if err := e.Stream(ctx, func(saved io.Reader) error {
			return image.LayerSizes(ctx, saved, known)
		}, saveWords(e, about.ID)...); err != nil {
			return 0, image.Failed(ctx, about.ID, err)
		}
		if slices.ContainsFunc(about.RootFS.Layers, missing) {
			return 0, &image.Fault{Ref: about.ID, Err: fmt.Errorf("`%s save` gives other layers than `%[1]s image inspect` lists", e.Name)}
		}
		if text, err := json.Marshal(known); err == nil && os.MkdirAll(dir, 0o755) == nil {
			os.WriteFile(noted, text, 0o644) // where that cannot be, the layers are read again the next time
		}
	}
	for _, layer := range about.RootFS.Layers {
		sum += known[layer]
	}
	return sum, nil
}

// Close lets go of all files, and leaves an empty cache.
func (s *Cache) Close() {
	s.read.Range(func(layers, read any) bool {
		if files, err := read.(func() (*image.Files, error))(); err == nil {
			files.Discard()
		}
		s.read.Delete(layers)
		return true
	})
}

// FromContainer opens a container that somebody made, whether it runs, has ended or was never started: with its own
// files, and its own config. It is left as it is. The error is as FromEngine's.
func FromContainer(ctx context.Context, e *engine.Engine, name string) (image.Image, engine.Container, error) {
	it, err := e.Inspect(ctx, name)
	var failed *engine.Failed
	if errors.As(err, &failed) && strings.Contains(strings.ToLower(failed.Stderr), "no such container") {
		return nil, it, fmt.Errorf("no container %q: `%s ps --all` lists those that are there", name, e.Name)
	}
	if err != nil {
		return nil, it, image.Failed(ctx, name, err)
	}
	about, err := inspect(ctx, e, it.Image)
	if err != nil {
		return nil, it, err
	}
	argv := append([]string{it.Path}, it.Args...)
	if len(argv) == 2 && it.Config.Entrypoint == any(argv[1]) && len(it.Config.Cmd) == 0 { // podman says it twice
		argv = argv[:1]
	}
	if at := slices.Index(argv, "--"); e.Name == "podman" && it.HostConfig.Init && at > 0 { // there the init is among the words
		argv = argv[at+1:]
	}
	words := len(about.Config.Entrypoint)
	if list, ok := it.Config.Entrypoint.([]any); ok {
		words = len(list)
	} else if len(argv) < words || !slices.Equal(argv[:words], about.Config.Entrypoint) {
		words = 0
	}
	about.Config.Entrypoint, about.Config.Cmd = argv[:words:words], argv[words:]
	about.Config.Env, about.Config.User, about.Config.WorkingDir = it.Config.Env, it.Config.User, it.Config.WorkingDir
	about.Config.Volumes = nil // mounted, if the engine took them
	if e.Name == "podman" {
		img, err := exported(ctx, e, name, it.ID, about)
		return img, it, err
	}
	return newContainer(ctx, e, name, about, it.ID, false), it, nil
}

// exported opens a container by all its files.
func exported(ctx context.Context, e *engine.Engine, name, id string, about engine.Image) (image.Image, error) {
	files := image.NewFiles(image.NewBudget(ctx, 0))
	if err := e.Stream(ctx, func(tree io.Reader) error {
		if err := files.Apply(1, tree); err != nil {
			return err
		}
		io.Copy(io.Discard, io.LimitReader(tree, 1<<20)) // the padding at the end: or the engine complains of a broken pipe
		return nil
	}, "export", id); err != nil {
		files.Discard()
		return nil, image.Failed(ctx, name, err)
	}
	return image.Of(files, aboutOf(name, about), false), nil
}
