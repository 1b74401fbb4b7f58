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

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/base/rebuild"
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
var targets = []Tool{
	{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"},
	{OS: "darwin", Arch: "amd64"}, {OS: "darwin", Arch: "arm64"},
	{OS: "windows", Arch: "amd64"}, {OS: "windows", Arch: "arm64"},
}

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
	var m Manifest
	files, err := lesson(o.Root)
	if err != nil {
		return nil, err
	}
	for i, tool := range targets {
		screen.Sayf(o.Say, "compiling the tool for %s on %s (%d of %d)", tool.OS, tool.Arch, i+1, len(targets))
		tool.File = toolFile(tool.OS, tool.Arch)
		file := filepath.Join(work, path.Base(tool.File))
		if err := compile(ctx, o.Root, tool, file); err != nil {
			return nil, err
		}
		m.Tools = append(m.Tools, tool)
		files = append(files, OnDisk(tool.File, file, true))
	}
	own, err := saved(ctx, o, work)
	if err != nil {
		return nil, err
	}
	m.Bases = append(m.Bases, own)
	files = append(files, OnDisk(own.File, filepath.Join(work, path.Base(own.File)), false))
	for _, file := range o.Join {
		other, err := Open(file)
		if err != nil {
			return nil, err
		}
		defer other.Close()
		joined, err := o.join(&m, other)
		if err != nil {
			return nil, err
		}
		files = append(files, joined...)
	}

	o.Say.Say("writing " + out)
	part := filepath.Join(work, "bundle.tar")
	file, err := os.Create(part)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(Write(file, m, files), file.Close()); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := os.Rename(part, out); err != nil {
		return nil, err
	}
	return Open(out)
}

// learnersCall is how the texts call the tool where there is no Go: sh and PowerShell both take it.
const learnersCall = toolsDir + "/steps"

// lesson lists the lesson's files. What begins with a dot, or only waits to be
// renamed, is an editor's or this tool's.
func lesson(root string) ([]File, error) {
	var all []File
	for _, top := range lessonFiles {
		err := filepath.WalkDir(filepath.Join(root, top), func(file string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			name := entry.Name()
			switch {
			case strings.HasPrefix(name, ".") && name != ".dockerignore":
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			case !entry.Type().IsRegular():
				return nil
			}
			relative, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(file)
			if path.Ext(name) == ".md" {
				text = bytes.ReplaceAll(text, []byte(program.FromSource), []byte(learnersCall))
			}
			f := InMemory(filepath.ToSlash(relative), text)
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

// saved has the engine save the base's image, compressed, into work.
func saved(ctx context.Context, o Order, work string) (Base, error) {
	ready, err := base.Portable(ctx, o.Engine, o.Base, o.Say)
	if err != nil {
		return Base{}, err
	}
	recipe, err := o.Base.Recipe.Digest(o.Engine.Arch)
	if err != nil {
		return Base{}, err
	}
	b := Base{
		ID: ready.ID, Image: ready.Image, Recipe: recipe, Arch: o.Engine.Arch, Bytes: ready.Bytes,
		File: imageFile(ready.ID, o.Engine.Arch),
	}
	screen.Sayf(o.Say, "saving %s (%s)", b.Image, rebuild.MB(b.Bytes))
	out, err := os.Create(filepath.Join(work, path.Base(b.File)))
	if err != nil {
		return Base{}, err
	}
	packed := gzip.NewWriter(out)
	err = o.Engine.Run(ctx, nil, packed, nil, "save", b.Image)
	return b, errors.Join(err, packed.Close(), out.Close())
}

// join takes over the bases of another bundle that are for machines not served yet.
func (o Order) join(m *Manifest, other *Bundle) ([]File, error) {
	var taken []File
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
		content, _, err := other.Entry(b.File)
		if err != nil {
			return nil, err
		}
		m.Bases = append(m.Bases, b)
		taken = append(taken, File{b.File, func() (io.ReadCloser, error) {
			_, err := content.Seek(0, io.SeekStart)
			return io.NopCloser(content), err
		}, false})
	}
	return taken, nil
}
