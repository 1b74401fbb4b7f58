package bundle

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// Load gives the engine bases that fit it, and has it remembered where they came from.
func (b *Bundle) Load(ctx context.Context, e *engine.Engine, bases []Base, say screen.Reporter) error {
	for _, brought := range bases {
		packed := b.named(brought.File)
		if err := onlyNames(ctx, packed.reader(), brought.Image); err != nil {
			return fmt.Errorf("%s: %s %w: %w", b.Path, brought.File, ErrDamaged, err)
		}
		screen.Sayf(say, "loading %s (%s) into %s", brought.Image, screen.Size(brought.Bytes), e.Name)
		plain, err := gzip.NewReader(packed.reader()) // podman takes nothing else from its stdin
		if err != nil {
			return err
		}
		if err := e.Run(ctx, plain, nil, nil, "load"); err != nil {
			return fmt.Errorf("%s cannot load %s: %w", e.Name, brought.Image, err)
		}
		if err := named(ctx, e, brought.Image); err != nil {
			return err
		}
		if err := base.NoteLoaded(ctx, e, brought.Image, brought.Recipe); err != nil {
			return err
		}
	}
	return nil
}

// tables are the files of an image's archive that say what an engine is to call it.
var tables = []string{"manifest.json", "index.json", "repositories"}

// namesIn reads one of them.
func namesIn(table string, text []byte) (names []string, err error) {
	var manifest []struct{ RepoTags []string }
	var index struct {
		Manifests []struct{ Annotations map[string]string }
	}
	var repositories map[string]map[string]string
	err = json.Unmarshal(text, []any{&manifest, &index, &repositories}[slices.Index(tables, table)])
	for _, i := range manifest {
		names = append(names, i.RepoTags...)
	}
	for _, m := range index.Manifests {
		names = append(names, m.Annotations["io.containerd.image.name"], m.Annotations["org.opencontainers.image.ref.name"])
	}
	for repository, tags := range repositories {
		for tag := range tags {
			names = append(names, repository+":"+tag)
		}
	}
	return names, err
}

// onlyNames looks into an image's archive, before an engine does: what it is
// called there must be the one name, or somebody's own image would lose its.
func onlyNames(ctx context.Context, packed *io.SectionReader, want string) error {
	budget := image.NewBudget(ctx, packed.Size())
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	_, tag, _ := strings.Cut(want, ":")
	found, links := false, map[string]bool{}
	err = budget.Walk(budget.Unpacked(plain), func(h *tar.Header, content io.Reader) error {
		name := strings.ToLower(path.Clean("/" + h.Name)) // some file systems know no capitals
		for _, up := range image.Above(name) {
			if links[up] { // an engine may write somewhere else than the name says
				return fmt.Errorf("its %s leads through a link", name[1:])
			}
		}
		if delete(links, name); h.Typeflag == tar.TypeSymlink {
			links[name] = true
			if err := budget.Keep(int64(len(name) + 64)); err != nil {
				return err
			}
		}
		if !slices.Contains(tables, name[1:]) {
			return nil
		}
		if h.Typeflag != tar.TypeReg || h.Size > 1<<20 {
			return fmt.Errorf("its %s is no table of names", name[1:])
		}
		text, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		names, err := namesIn(name[1:], text)
		if err != nil {
			return fmt.Errorf("its %s makes no sense: %w", name[1:], err)
		}
		for _, name := range names {
			short := strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "localhost/")
			if name != "" && short != want && name != tag {
				return fmt.Errorf("it would name an image %q, and is to bring %s alone", name, want)
			}
			found = found || short == want
		}
		return nil
	})
	if err == nil && !found {
		err = errors.New("it names no image")
	}
	return err
}

// named gives an image the name that it has in the bundle. One that podman saved
// is named localhost/NAME, which only podman takes for the same.
func named(ctx context.Context, e *engine.Engine, name string) error {
	if found, err := e.FindImage(ctx, name); found != nil || err != nil {
		return err
	}
	if _, err := e.Output(ctx, "tag", "localhost/"+name, name); err != nil {
		return fmt.Errorf("%s has loaded no %s: %w", e.Name, name, err)
	}
	_, err := e.Output(ctx, "rmi", "localhost/"+name)
	return err
}

// originals is where Unpack keeps what a learner is to change, as it came.
const originals = ".original"

// Unpack writes the lesson's folders into dir, and beside them the tool for this
// machine as bin/steps, whose path in there it returns. What somebody has changed there is not
// written over: that is an error, and nothing was written.
func (b *Bundle) Unpack(dir string) (tool string, err error) {
	own := toolFile(runtime.GOOS, runtime.GOARCH)
	if !slices.ContainsFunc(b.Tools, func(t Tool) bool { return t.File == own }) {
		return "", fmt.Errorf("the bundle holds no tool for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir) // a link in there leads no file out of it
	if err != nil {
		return "", err
	}
	defer root.Close()
	tool = path.Join(toolsDir, executable("steps", runtime.GOOS))
	var missing, kept []File
	for _, f := range b.files {
		if strings.HasPrefix(f.Name, "workshop/exercises/") || strings.HasPrefix(f.Name, "workshop/start/") {
			again := f
			again.Name = path.Join(originals, f.Name)
			kept = append(kept, again) // once more, for Reset
		}
		switch top, _, _ := strings.Cut(f.Name, "/"); {
		case f.Name == own:
			f.Name = tool
		case top == toolsDir, top == imagesDir, f.Name == sums, f.Name == manifest:
			continue
		}
		if lacking, err := f.lacking(root); err != nil {
			return "", err
		} else if lacking {
			missing = append(missing, f)
		}
	}
	for _, f := range append(missing, kept...) {
		if err := f.place(root); err != nil {
			return "", err
		}
	}
	return tool, nil
}

// lacking says whether a file is still to be written.
func (f File) lacking(root *os.Root) (bool, error) {
	name := filepath.FromSlash(f.Name)
	info, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if info.Mode().IsRegular() && info.Size() == f.content.Size() { // a pipe would wait for ever
		text, err := root.ReadFile(name)
		if err != nil {
			return false, err
		}
		if fmt.Sprintf("%x", sha256.Sum256(text)) == f.sum {
			if f.Program && runtime.GOOS != "windows" && info.Mode()&0o100 == 0 {
				err = root.Chmod(name, info.Mode().Perm()|0o755)
			}
			return false, err
		}
	}
	return false, fmt.Errorf("%s is there already, and it is not the bundle's: nothing was written\n"+
		"Unpack into another folder: load … --into FOLDER", filepath.Join(root.Name(), name))
}

// place writes a file under another name first: it is there whole or not at all.
func (f File) place(root *os.Root) error {
	name := filepath.FromSlash(f.Name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	part := name + "." + rand.Text()[:8] + ".part" // another load may be under way
	out, err := root.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.mode())
	if err != nil {
		return err
	}
	defer root.Remove(part)
	_, err = io.Copy(out, f.reader()) // not by way of the memory: a bundle says how large its files are
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(root.Name(), part), err)
	}
	return root.Rename(part, name)
}

// Reset gives a folder of the lesson in root back as it came: from what the bundle brought, or in a clone from git.
func Reset(ctx context.Context, root, folder string) error {
	kept := os.DirFS(filepath.Join(root, originals))
	if _, err := fs.Stat(kept, folder); err != nil {
		git := exec.CommandContext(ctx, "git", "-C", root, "checkout", "--quiet", "HEAD", "--", folder)
		if out, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("%s is not from a bundle, and git does not give it back: %s\nGet the lesson again: load BUNDLE --into FOLDER",
				folder, strings.TrimSpace(cmp.Or(string(out), err.Error())))
		}
		return nil
	}
	return fs.WalkDir(kept, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(kept, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), text, 0o644)
	})
}
