package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Load gives the engine the bases that fit it, and has it remembered where they came from.
func (b *Bundle) Load(ctx context.Context, e *engine.Engine, say screen.Reporter) error {
	fit, err := b.For(e.Arch)
	if err != nil {
		return err
	}
	for _, image := range fit {
		packed, err := b.named(image.File)
		if err != nil {
			return err
		}
		if err := onlyNames(ctx, packed.reader(), image.Image); err != nil {
			return &Damaged{b.Path + ": " + image.File, err.Error()}
		}
		screen.Sayf(say, "loading %s (%s) into %s", image.Image, table.Size(image.Bytes), e.Name)
		plain, err := gzip.NewReader(packed.reader()) // podman takes nothing else from its stdin
		if err != nil {
			return err
		}
		if err := e.Run(ctx, plain, nil, nil, "load"); err != nil {
			return fmt.Errorf("%s cannot load %s: %w", e.Name, image.Image, err)
		}
		if err := named(ctx, e, image.Image); err != nil {
			return err
		}
		if err := base.NoteLoaded(ctx, e, image.Image, image.Recipe); err != nil {
			return err
		}
	}
	return nil
}

// tables are the files of an image's archive that say what an engine is to call it, and how each is read.
var tables = map[string]func(text []byte) ([]string, error){
	"manifest.json": func(text []byte) (names []string, err error) {
		var images []struct{ RepoTags []string }
		err = json.Unmarshal(text, &images)
		for _, i := range images {
			names = append(names, i.RepoTags...)
		}
		return names, err
	},
	"index.json": func(text []byte) (names []string, err error) {
		var index struct {
			Manifests []struct{ Annotations map[string]string }
		}
		err = json.Unmarshal(text, &index)
		for _, m := range index.Manifests {
			names = append(names, m.Annotations["io.containerd.image.name"], m.Annotations["org.opencontainers.image.ref.name"])
		}
		return names, err
	},
	"repositories": func(text []byte) (names []string, err error) {
		var tags map[string]map[string]string
		err = json.Unmarshal(text, &tags)
		for repository := range tags {
			for tag := range tags[repository] {
				names = append(names, repository+":"+tag)
			}
		}
		return names, err
	},
}

// onlyNames looks into an image's archive, before an engine does: what it is
// called there must be the one name, or somebody's own image would lose its.
func onlyNames(ctx context.Context, packed io.Reader, want string) error {
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	_, tag, _ := strings.Cut(want, ":")
	found, links := false, map[string]bool{}
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		switch {
		case err == io.EOF && found:
			return nil
		case err == io.EOF:
			return errors.New("it names no image")
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		name := strings.ToLower(path.Clean("/" + h.Name))[1:] // some file systems know no capitals
		for up := path.Dir(name); up != "."; up = path.Dir(up) {
			if links[up] { // an engine may write somewhere else than the name says
				return fmt.Errorf("its %s leads through a link", name)
			}
		}
		links[name] = h.Typeflag == tar.TypeSymlink
		read := tables[name]
		if read == nil {
			continue
		}
		if h.Typeflag != tar.TypeReg || h.Size > 1<<20 {
			return fmt.Errorf("its %s is no table of names", name)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		names, err := read(text)
		if err != nil {
			return fmt.Errorf("its %s makes no sense: %w", name, err)
		}
		for _, name := range names {
			short := strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "localhost/")
			if name != "" && short != want && name != tag {
				return fmt.Errorf("it would name an image %q, and is to bring %s alone", name, want)
			}
			found = found || short == want
		}
	}
}

// named gives an image the name that it has in the bundle. One that podman saved
// is named localhost/NAME, which only podman takes for the same.
func named(ctx context.Context, e *engine.Engine, name string) error {
	var none *engine.NoSuchImage
	if _, err := e.InspectImage(ctx, name); !errors.As(err, &none) {
		return err
	}
	if _, err := e.Call(ctx, "tag", "localhost/"+name, name); err != nil {
		return fmt.Errorf("%s has loaded no %s: %w", e.Name, name, err)
	}
	_, err := e.Call(ctx, "rmi", "localhost/"+name)
	return err
}
