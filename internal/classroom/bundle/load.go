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
	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// Load gives the engine the bases that fit it, and has it remembered where they came from.
func (b *Bundle) Load(ctx context.Context, e *engine.Engine, say screen.Reporter) error {
	fit, err := b.For(e.Arch)
	if err != nil {
		return err
	}
	for _, image := range fit {
		content, _, err := b.Entry(image.File)
		if err != nil {
			return err
		}
		if err := onlyNames(ctx, content, image.Image); err != nil {
			return &Damaged{b.Path + ": " + image.File, err.Error()}
		}
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return err
		}
		screen.Sayf(say, "loading %s (%s) into %s", image.Image, rebuild.MB(image.Bytes), e.Name)
		plain, err := gzip.NewReader(content) // podman takes nothing else from its stdin
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

// namesIn gives what an engine calls the images of an archive by one of its files;
// ok is false for a file that names none.
func namesIn(file string, text []byte) (names []string, ok bool, err error) {
	switch file {
	case "manifest.json":
		var images []struct{ RepoTags []string }
		err = json.Unmarshal(text, &images)
		for _, i := range images {
			names = append(names, i.RepoTags...)
		}
	case "index.json":
		var index struct {
			Manifests []struct{ Annotations map[string]string }
		}
		err = json.Unmarshal(text, &index)
		for _, m := range index.Manifests {
			names = append(names, m.Annotations["io.containerd.image.name"], m.Annotations["org.opencontainers.image.ref.name"])
		}
	case "repositories":
		var tags map[string]map[string]string
		err = json.Unmarshal(text, &tags)
		for repository := range tags {
			for tag := range tags[repository] {
				names = append(names, repository+":"+tag)
			}
		}
	default:
		return nil, false, nil
	}
	return names, true, err
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
		if err == io.EOF && found {
			return nil
		}
		if err == io.EOF {
			err = errors.New("it names no image")
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		name := strings.ToLower(path.Clean("/" + h.Name))[1:] // some file systems know no capitals
		for up := path.Dir(name); up != "."; up = path.Dir(up) {
			if links[up] { // an engine may write somewhere else than the name says
				return fmt.Errorf("its %s leads through a link", name)
			}
		}
		links[name] = h.Typeflag == tar.TypeSymlink
		if _, one, _ := namesIn(name, nil); !one {
			continue
		}
		if h.Typeflag != tar.TypeReg || h.Size > 1<<20 {
			return fmt.Errorf("its %s is no table of names", name)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		names, _, err := namesIn(name, text)
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
