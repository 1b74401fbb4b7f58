package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// archived is an image of which all files are known.
type archived struct {
	*Files
	name, id string
	config   Config
	lent     bool
}

func (a *archived) Name() string   { return a.name }
func (a *archived) ID() string     { return a.id }
func (a *archived) Config() Config { return a.config }

func (a *archived) Close() error {
	if a.lent {
		return nil
	}
	return a.Discard()
}

// Of makes an image of files that have been read, and of what is known of it otherwise.
// Its Close discards the files.
func Of(files *Files, name, id string, config Config) Image {
	return &archived{files, name, id, config, false}
}

// Lent is as Of, of files that somebody else discards.
func Lent(files *Files, name, id string, config Config) Image {
	return &archived{files, name, id, config, true}
}

// FromTarball opens an image in a tarball of `docker save`, `podman save`, or an
// OCI archive; compressed or not. Where it holds several, tag says which. The
// error is a *NotFound, a *Fault, or the context's.
func FromTarball(ctx context.Context, name, tag string, p Platform) (Image, error) {
	// Before it is opened: a pipe would wait for a writer.
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, Failed(ctx, name, err)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, Failed(ctx, name, err)
	}
	defer file.Close()
	img, err := fromTarball(ctx, NewBudget(ctx, info.Size()), file, name, tag, p)
	if err != nil {
		return nil, Failed(ctx, name, err)
	}
	return img, nil
}

// ReadSaved reads the files of the one image in a tarball of `docker save`.
func ReadSaved(ctx context.Context, s *Spool, name string) (*Files, error) {
	info, err := s.file.Stat()
	if err != nil {
		return nil, err
	}
	img, err := fromTarball(ctx, NewBudget(ctx, info.Size()), s.file, name, "", Platform{})
	if err != nil {
		return nil, err
	}
	return img.Files, nil
}

func fromTarball(ctx context.Context, b *Budget, file *os.File, name, tag string, p Platform) (*archived, error) {
	head := make([]byte, 6)
	if n, _ := file.ReadAt(head, 0); packing(head[:n]) != "" {
		s, err := NewSpool()
		if err != nil {
			return nil, err
		}
		defer s.Close()
		plain, err := unpack(b, file)
		if err != nil {
			return nil, err
		}
		defer plain.Close()
		if _, err := io.Copy(s.file, plain); err != nil {
			return nil, err
		}
		file = s.file
	}
	t, err := tarball(file, b)
	if err != nil {
		return nil, err
	}
	if _, err := t.open("manifest.json"); err == nil {
		return fromSave(ctx, t, name, tag)
	}
	if _, err := t.open("index.json"); err == nil {
		return fromIndex(ctx, t, name, tag, p)
	}
	return nil, errors.New("it holds neither a manifest.json (docker save) nor an index.json (OCI): it is no tarball of an image" +
		"; `docker export` writes files only")
}

// Failed makes of an error what reading an image ends with: a *NotFound, a *Fault, or the context's.
func Failed(ctx context.Context, ref string, err error) error {
	var missing *NotFound
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &missing):
		return missing
	}
	return &Fault{ref, err}
}

// fromSave reads what `docker save` wrote.
func fromSave(ctx context.Context, s store, name, tag string) (*archived, error) {
	text, err := s.document("manifest.json")
	if err != nil {
		return nil, err
	}
	var images []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(text, &images); err != nil {
		return nil, fmt.Errorf("its manifest.json makes no sense: %w", err)
	}
	var tags []string
	found := -1
	for i, img := range images {
		tags = append(tags, img.RepoTags...)
		if tag == "" && len(images) == 1 || tag != "" && slices.ContainsFunc(img.RepoTags, func(t string) bool { return sameTag(t, tag) }) {
			found = i
		}
	}
	if found < 0 {
		return nil, choose(name, tag, len(images), tags)
	}
	return build(ctx, s, name, images[found].Config, images[found].Layers)
}

func sameTag(have, asked string) bool {
	return have == asked || have == asked+":latest" || strings.HasSuffix(have, ":"+asked) && !strings.Contains(asked, ":")
}

// choose says what there is to choose from.
func choose(name, tag string, count int, tags []string) error {
	list := strings.Join(tags[:min(len(tags), 8)], ", ")
	if list == "" {
		list = "none has a name"
	}
	if tag != "" {
		return &NotFound{name + ":" + tag, "the archive has " + list}
	}
	return fmt.Errorf("it holds %d images: say which, as %s:TAG (%s)", count, filepath.Base(name), list)
}

// readConfig reads an image's config, and gives the ID that follows from it.
func readConfig(s store, name string, layers int) (*v1.ConfigFile, string, error) {
	if layers > maxLayers {
		return nil, "", fmt.Errorf("it has %d layers; engines allow 127", layers)
	}
	text, err := s.document(name)
	if err != nil {
		return nil, "", err
	}
	parsed, err := v1.ParseConfigFile(bytes.NewReader(text))
	if err != nil {
		return nil, "", fmt.Errorf("its config makes no sense: %w", err)
	}
	diffs := parsed.RootFS.DiffIDs // dockers of before 1.10 wrote none
	if len(diffs) > 0 && len(diffs) != layers && parsed.OS != "windows" {
		return nil, "", fmt.Errorf("it is damaged: its config speaks of %d layers, and it has %d", len(diffs), layers)
	}
	sum := sha256.Sum256(text)
	return parsed, "sha256:" + hex.EncodeToString(sum[:]), configIn(parsed).TooLong()
}

// build reads an image: its config, then its layers from the lowest up.
func build(ctx context.Context, s store, name, configName string, layers []string) (*archived, error) {
	parsed, id, err := readConfig(s, configName, len(layers))
	if err != nil {
		return nil, err
	}
	img := &archived{name: name, id: id, config: configIn(parsed)}
	if img.Files, err = NewFiles(s.budget); err != nil {
		return nil, err
	}
	if img.config.OS == "windows" {
		return img, nil // its layers are no Linux file system
	}
	for i, name := range layers {
		layer, err := img.load(ctx, s, i+1, name, diffOf(parsed, i))
		if err == nil {
			err = img.lay(layer, i+1)
		}
		if err != nil {
			img.Close()
			return nil, err
		}
	}
	return img, nil
}

// diffOf is the digest of a layer unpacked; "" where the config has none.
func diffOf(c *v1.ConfigFile, layer int) string {
	if layer < len(c.RootFS.DiffIDs) {
		return c.RootFS.DiffIDs[layer].Hex
	}
	return ""
}

// load reads a layer, and holds it against its digests: diff is that of what is unpacked, where there is one.
func (k *Files) load(ctx context.Context, s store, number int, name, diff string) (*Files, error) {
	damaged := func(err error) error { return fmt.Errorf("layer %d is damaged: %w", number, err) }
	r, err := s.open(name)
	if err != nil {
		return nil, fmt.Errorf("layer %d: %w", number, err)
	}
	defer r.Close()
	stored, unpacked := sha256.New(), sha256.New()
	packed := io.Reader(r)
	if digestName.MatchString(name) { // a digest that nobody names costs time alone
		packed = io.TeeReader(r, stored)
	}
	inner, err := unpack(s.budget, packed)
	if err != nil {
		return nil, fmt.Errorf("layer %d: %w", number, err)
	}
	defer inner.Close()
	plain := io.Reader(inner)
	if diff != "" {
		plain = io.TeeReader(inner, unpacked)
	}
	layer, err := k.read(ctx, number, plain)
	if err != nil {
		return nil, err
	}
	for _, rest := range []io.Reader{plain, packed} { // the digests are of all of it
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return nil, damaged(err)
		}
	}
	if !digestNamed(name, stored.Sum(nil)) || diff != "" && diff != hex.EncodeToString(unpacked.Sum(nil)) {
		return nil, damaged(errors.New("it is not what its digest says"))
	}
	return layer, nil
}

func configIn(f *v1.ConfigFile) Config { return Config{f.OS, f.Architecture, f.Variant, f.Config} }
