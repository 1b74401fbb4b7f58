package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

// layersFile, in the cache folder, lists layers: a digest and a number of bytes a line.
const layersFile = "layers"

// layerBytes adds up the sizes of layers; the image is read for those that are not known yet.
func layerBytes(ctx context.Context, e *engine.Engine, ref string, layers []string) (int64, error) {
	dir, err := program.CacheDir()
	if err != nil {
		return 0, err
	}
	noted := filepath.Join(dir, layersFile)
	known := readSizes(noted)
	if unknown(known, layers) {
		err := e.Stream(ctx, func(saved io.Reader) error {
			return image.LayerSizes(ctx, saved, func(digest string, bytes int64) { known[digest] = bytes })
		}, saveWords(e, ref)...)
		if err != nil {
			return 0, image.Failed(ctx, ref, err)
		}
		if unknown(known, layers) {
			return 0, &image.Fault{Ref: ref, Err: fmt.Errorf("`%s save` gives other layers than `%s image inspect` lists", e.Name, e.Name)}
		}
		noteSizes(noted, known, layers)
	}
	sum := int64(0)
	for _, layer := range layers {
		sum += known[layer]
	}
	return sum, nil
}

func unknown(known map[string]int64, layers []string) bool {
	return slices.ContainsFunc(layers, func(layer string) bool { _, ok := known[layer]; return !ok })
}

func readSizes(noted string) map[string]int64 {
	known := map[string]int64{}
	text, _ := os.ReadFile(noted)
	for line := range strings.Lines(string(text)) {
		var digest string
		var bytes int64
		if n, _ := fmt.Sscanf(line, "%s %d\n", &digest, &bytes); n == 2 && strings.HasSuffix(line, "\n") {
			known[digest] = bytes
		}
	}
	return known
}

// noteSizes keeps what was read for the next time. Where that cannot be, the layers are read again then.
func noteSizes(noted string, known map[string]int64, layers []string) {
	if os.MkdirAll(filepath.Dir(noted), 0o755) != nil {
		return
	}
	file, err := os.OpenFile(noted, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer file.Close()
	lines := ""
	for _, layer := range layers {
		lines += fmt.Sprintln(layer, known[layer])
	}
	file.WriteString(lines)
}

// FromEngineDeep opens an image of the engine with every layer and every file
// of it, by `save`: slow, as much as the image is large. Otherwise it is as FromEngine.
func FromEngineDeep(ctx context.Context, e *engine.Engine, ref string) (image.Image, error) {
	about, err := inspect(ctx, e, ref)
	if err != nil {
		return nil, err
	}
	return saved(ctx, e, ref, about)
}

// saved is FromEngineDeep for an image that the engine has described already.
func saved(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (image.Image, error) {
	files, err := readSaved(ctx, e, ref)
	if err != nil {
		return nil, image.Failed(ctx, ref, err)
	}
	return image.Of(files, ref, about.ID, configIn(about)), nil
}

// Deep is the same image with every layer.
func (c *container) Deep(ctx context.Context) (image.Image, error) {
	return saved(ctx, c.engine, c.ref, c.about)
}

func readSaved(ctx context.Context, e *engine.Engine, ref string) (*image.Files, error) {
	s, err := image.NewSpool()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := e.Run(ctx, nil, s.File(), nil, saveWords(e, ref)...); err != nil {
		return nil, err
	}
	if _, err := s.File().Seek(0, 0); err != nil {
		return nil, err
	}
	return image.ReadSaved(ctx, s.File(), ref)
}

func saveWords(e *engine.Engine, ref string) []string {
	if e.Name == "podman" {
		return []string{"save", "--format=docker-archive", ref}
	}
	return []string{"save", ref}
}

// errTooMuch ends an export that brings more than the image's size promised.
var errTooMuch = errors.New("more bytes than expected")

// stub is what an engine's `create` adds to a container's tree, so that there
// is something to mount the running system's files over. Where it is empty, it
// is not the image's; and a start hides it either way.
var stub = map[string]bool{
	"/.dockerenv": true, "/etc/hosts": true, "/etc/hostname": true, "/etc/resolv.conf": true, "/etc/mtab": true,
	"/dev/console": true, "/dev/pts": true, "/dev/shm": true, "/proc": true, "/sys": true,
	"/run/.containerenv": true,
}

// exported is an image of an engine whose files have all been read, by `export`.
type exported struct {
	*container
	*image.Files
}

func export(ctx context.Context, c *container) (*exported, error) {
	files, err := image.NewFiles(image.NewBudget(ctx, 0))
	if err != nil {
		return nil, err
	}
	all := &exported{container: c, Files: files}
	limit := int64(4 * wholeTree)
	if c.engine.Name == "podman" {
		limit = image.KeepAll
	}
	err = c.engine.Stream(ctx, func(exported io.Reader) error {
		bounded := &io.LimitedReader{R: exported, N: limit}
		if err := all.Apply(ctx, 1, bounded); err != nil && bounded.N <= 0 {
			return errTooMuch
		} else if err != nil {
			return err
		}
		io.Copy(io.Discard, io.LimitReader(exported, 1<<20)) // the padding at the end: or the engine complains of a broken pipe
		return nil
	}, "export", c.read)
	if err != nil {
		files.Discard()
		return nil, err
	}
	all.sweep()
	go c.Close() // all is read: it can go while the doctor thinks
	return all, nil
}

// sweep removes what `create` has added.
func (x *exported) sweep() {
	for name := range stub {
		x.Drop(name)
	}
	for _, name := range []string{"/etc", "/dev", "/run"} { // created for the above
		if entry, err := x.Lstat(x.ctx, name); err == nil && entry.Mode.IsDir() {
			x.Drop(name)
		}
	}
}

func (x *exported) Close() error {
	x.Discard()
	return x.container.Close()
}
