package bundle

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// Order says what to bundle.
type Order struct {
	Root   string // the repo's folder
	Engine *engine.Engine
	Base   base.Base
	Join   []string // bundles made elsewhere, whose bases for other machines are taken over
	Say    screen.Reporter
}

// targets are the kinds of machines that learners bring.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// lessonFiles are what a learner works with; the tool's sources are not.
var lessonFiles = []string{"README.md", "LICENSE", "steps", "bases", "beyond", "docs", "workshop"}

// Make writes a bundle to the file out, and opens it.
func Make(ctx context.Context, o Order, out string) (*Bundle, error) {
	beside, err := filepath.Abs(filepath.Dir(out)) // it is compiled in another folder
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp(beside, ".bundle-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	files, err := lesson(o.Root)
	if err != nil {
		return nil, err
	}
	var m Manifest
	var made []string // lie in work, by their names' last part
	for i, target := range targets {
		system, arch, _ := strings.Cut(target, "/")
		screen.Sayf(o.Say, "compiling the tool for %s on %s (%d of %d)", system, arch, i+1, len(targets))
		tool := Tool{system, arch, toolFile(system, arch)}
		if err := compile(ctx, o.Root, tool, filepath.Join(work, path.Base(tool.File))); err != nil {
			return nil, err
		}
		m.Tools, made = append(m.Tools, tool), append(made, tool.File)
	}
	own, err := o.save(ctx, work)
	if err != nil {
		return nil, err
	}
	m.Bases, made = append(m.Bases, own), append(made, own.File)
	for _, name := range made {
		in, err := os.Open(filepath.Join(work, path.Base(name)))
		if err != nil {
			return nil, err
		}
		defer in.Close()
		size, err := in.Seek(0, io.SeekEnd)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: name, Program: name != own.File, content: io.NewSectionReader(in, 0, size)})
	}
	for _, file := range o.Join {
		other, err := Open(file)
		if err != nil {
			return nil, err
		}
		defer other.Close()
		if files, err = o.join(&m, files, other); err != nil {
			return nil, err
		}
	}

	o.Say.Say("writing " + out)
	part := filepath.Join(work, "bundle.tar")
	err = atomicfile.Fill(part, func(file io.Writer) error { return Write(file, m, files) })
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	if err := os.Rename(part, out); err != nil {
		return nil, err
	}
	return Open(out)
}

// lesson lists the lesson's files. What begins with a dot, or only waits to be
// renamed, is an editor's or this tool's.
func lesson(root string) (all []File, err error) {
	repo := os.DirFS(root)
	for _, top := range lessonFiles {
		err := fs.WalkDir(repo, top, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
				return fs.SkipDir
			case strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".dockerignore", !entry.Type().IsRegular():
				return nil
			}
			text, err := fs.ReadFile(repo, name)
			if path.Ext(name) == ".md" { // a learner may have no Go; sh and PowerShell both take this call
				text = bytes.ReplaceAll(text, []byte(program.FromSource), []byte(toolsDir+"/steps"))
			}
			f := InMemory(name, text)
			f.Program = bytes.HasPrefix(text, []byte("#!")) // run bits would not do: not every system has them
			all = append(all, f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// compile builds this tool for a kind of machine. The same sources and the same
// Go give the same bytes.
func compile(ctx context.Context, root string, tool Tool, out string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./scripts")
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+tool.OS, "GOARCH="+tool.Arch, "GOFLAGS=-mod=readonly", "GOWORK=off")
	words, err := command.CombinedOutput()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("go is not on PATH: the tool cannot be compiled for the learners' machines\n" +
			"Install Go (https://go.dev/dl/), then try again. The learners need none.")
	}
	return fmt.Errorf("the tool does not compile for %s on %s: %s", tool.OS, tool.Arch, screen.Last(string(words), 1))
}

// save has the engine save the base's image, compressed, into work.
func (o Order) save(ctx context.Context, work string) (Base, error) {
	ready, err := base.Portable(ctx, o.Engine, o.Base, o.Say)
	if err != nil {
		return Base{}, err
	}
	arch := o.Engine.Arch
	b := Base{ID: ready.Name, Image: ready.Image, Arch: arch, Bytes: ready.Bytes, File: imageFile(ready.Name, arch)}
	if b.Recipe, err = o.Base.Recipe.Digest(arch); err != nil {
		return b, err
	}
	screen.Sayf(o.Say, "saving %s (%s)", b.Image, screen.Size(b.Bytes))
	return b, atomicfile.Fill(filepath.Join(work, path.Base(b.File)), func(out io.Writer) error {
		packed := gzip.NewWriter(out)
		return errors.Join(o.Engine.Run(ctx, nil, packed, nil, "save", b.Image), packed.Close())
	})
}

// join takes over the bases of another bundle that are for machines not served yet.
func (o Order) join(m *Manifest, files []File, other *Bundle) ([]File, error) {
	for _, b := range other.Bases {
		if _, err := m.For(b.Arch); err == nil {
			screen.Sayf(o.Say, "%s: its base for %s is not needed, there is one", other.Path, b.Arch)
			continue
		}
		recipe, err := o.Base.Recipe.Digest(b.Arch)
		if err != nil {
			return nil, err
		}
		if b.ID != o.Base.ID || b.Recipe != recipe {
			return nil, fmt.Errorf("%s: its base for %s was made by another version of this repo\n"+
				"Make that bundle again from this version, then join it.", other.Path, b.Arch)
		}
		m.Bases, files = append(m.Bases, b), append(files, other.named(b.File))
	}
	return files, nil
}
