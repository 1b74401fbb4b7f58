package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// archived is an image of which all files are known.
type archived struct {
	*Files
	about About
	lent  bool // by somebody who discards the files
}

// Of makes an image of files that have been read. Its Close discards them, unless they are lent.
func Of(files *Files, about About, lent bool) Image { return &archived{files, about, lent} }

func (a *archived) About() About { return a.about }

func (a *archived) Close() error {
	if !a.lent {
		a.Discard()
	}
	return nil
}

// FromFile opens an image in an OCI layout folder, or in a tarball of `docker save`, `podman save`, or an
// OCI archive; compressed or not. Where it holds several, tag says which. The
// error is a *NotFound, a *Fault, or the context's.
func FromFile(ctx context.Context, name, tag string, p Platform) (img Image, err error) {
	defer func() { err = Failed(ctx, name, err) }()
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return fromLayout(ctx, name, tag, p)
	case !info.Mode().IsRegular(): // opened, a pipe would wait for a writer
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return fromTarball(NewBudget(ctx, info.Size()), file, name, tag, p)
}

// ReadSaved reads the files of the one image that `docker save` writes. The error is as FromFile's.
func ReadSaved(ctx context.Context, name string, save func(io.Writer) error) (_ *Files, err error) {
	defer func() { err = Failed(ctx, name, err) }()
	var s spool
	if err := s.open(); err != nil {
		return nil, err
	}
	defer s.discard()
	if err := save(s.file); err != nil {
		return nil, err
	}
	size, err := s.file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	img, err := fromTarball(NewBudget(ctx, size), s.file, name, "", Platform{})
	if err != nil {
		return nil, err
	}
	return img.(*archived).Files, nil
}

func fromTarball(b *Budget, file *os.File, name, tag string, p Platform) (Image, error) {
	head := make([]byte, 6)
	if n, _ := file.ReadAt(head, 0); packing(head[:n]) != "" {
		var s spool
		if err := s.open(); err != nil {
			return nil, err
		}
		defer s.discard()
		plain, err := unpack(b, io.NewSectionReader(file, 0, math.MaxInt64))
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(s.file, plain); err != nil {
			return nil, err
		}
		file = s.file
	}
	t, err := tarball(file, b)
	if err != nil {
		return nil, err
	}
	var r recipe
	if _, missing := t.open("manifest.json"); missing == nil {
		r, err = t.saved(name, tag)
	} else if _, missing := t.open("index.json"); missing == nil {
		r, err = t.indexed(name, tag, p)
	} else {
		err = errors.New("it holds neither a manifest.json (docker save) nor an index.json (OCI): it is no tarball of an image" +
			"; `docker export` writes files only")
	}
	if err != nil {
		return nil, err
	}
	return t.image(name, r)
}

// Failed makes of an error what reading an image ends with: a *NotFound, a *Fault, or the context's.
func Failed(ctx context.Context, ref string, err error) error {
	var missing *NotFound
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &missing):
		return missing
	}
	return &Fault{ref, err}
}

// recipe names an image's blobs, as `docker save` does.
type recipe struct {
	Config           string
	RepoTags, Layers []string
}

// saved reads what `docker save` wrote of an image.
func (s store) saved(name, tag string) (recipe, error) {
	text, err := s.document("manifest.json")
	if err != nil {
		return recipe{}, err
	}
	var images []recipe
	if err := json.Unmarshal(text, &images); err != nil {
		return recipe{}, fmt.Errorf("its manifest.json makes no sense: %w", err)
	}
	var tags []string
	for _, img := range images {
		tags = append(tags, img.RepoTags...)
		if tag == "" && len(images) == 1 || tag != "" && slices.ContainsFunc(img.RepoTags, func(t string) bool { return sameTag(t, tag) }) {
			return img, nil
		}
	}
	return recipe{}, choose(name, tag, len(images), tags)
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

// config reads an image's config, and gives what follows from it: of each layer the digest of what is unpacked, or "".
func (s store) config(name string, r recipe) (about About, diffs []string, err error) {
	about.Name = name
	if len(r.Layers) > maxLayers {
		return about, nil, fmt.Errorf("it has %d layers; engines allow 127", len(r.Layers))
	}
	text, err := s.document(r.Config)
	if err != nil {
		return about, nil, err
	}
	f, err := v1.ParseConfigFile(bytes.NewReader(text))
	if err != nil {
		return about, nil, fmt.Errorf("its config makes no sense: %w", err)
	}
	known := len(f.RootFS.DiffIDs) // dockers of before 1.10 wrote none
	if known > 0 && known != len(r.Layers) && f.OS != "windows" {
		return about, nil, fmt.Errorf("it is damaged: its config speaks of %d layers, and it has %d", known, len(r.Layers))
	}
	diffs = make([]string, max(known, len(r.Layers)))
	for i, diff := range f.RootFS.DiffIDs {
		diffs[i] = diff.Hex
	}
	about.ID, about.Config = fmt.Sprintf("sha256:%x", sha256.Sum256(text)), Config{f.OS, f.Architecture, f.Variant, f.Config}
	return about, diffs, about.Config.TooLong()
}

// image reads an image: its config, then its layers from the lowest up.
func (s store) image(name string, r recipe) (Image, error) {
	about, diffs, err := s.config(name, r)
	if err != nil {
		return nil, err
	}
	files := NewFiles(s.budget)
	if about.Config.OS == "windows" {
		r.Layers = nil // they are no Linux file system
	}
	for i, name := range r.Layers {
		layer, err := files.load(s, i+1, name, diffs[i])
		if err == nil {
			err = files.lay(layer, i+1)
		}
		if err != nil {
			files.Discard()
			return nil, err
		}
	}
	return Of(files, about, false), nil
}

// load reads a layer, and holds it against its digests: diff is that of what is unpacked, where there is one.
func (k *Files) load(s store, number int, name, diff string) (layer *Files, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("layer %d: %w", number, err)
		}
	}()
	r, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	stored, unpacked := sha256.New(), sha256.New()
	packed := io.Reader(r)
	if digestName.MatchString(name) { // a digest that nobody names costs time alone
		packed = io.TeeReader(r, stored)
	}
	plain, err := unpack(s.budget, packed)
	if err != nil {
		return nil, err
	}
	if diff != "" {
		plain = io.TeeReader(plain, unpacked)
	}
	if layer, err = k.read(plain); err != nil {
		return nil, err
	}
	for _, rest := range []io.Reader{plain, packed} { // the digests are of all of it
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return nil, fmt.Errorf("it is damaged: %w", err)
		}
	}
	if !digestNamed(name, stored.Sum(nil)) || diff != "" && diff != fmt.Sprintf("%x", unpacked.Sum(nil)) {
		return nil, errors.New("it is damaged: it is not what its digest says")
	}
	return layer, nil
}
