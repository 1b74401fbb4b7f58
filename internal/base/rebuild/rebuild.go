// Package rebuild makes the stand-in of a base out of Debian's packages, the official
// Go release and the app's modules, where no image can be pulled.
package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// Progress is told, in plain sentences, what happens while it takes its time.
type Progress func(sentence string)

// Sayf tells a sentence, if anybody is there to be told; what others wrote in it is made harmless.
func (p Progress) Sayf(format string, args ...any) {
	if p != nil {
		p(screen.Harmless(fmt.Sprintf(format, args...)))
	}
}

// Order is a stand-in to make.
type Order struct {
	Name   string // of the image
	For    string // the image that it takes the place of
	Recipe *Recipe
	Arch   string               // the machine that it is for, as in GOARCH
	Digest string               // the recipe's
	Done   func() (bool, error) // says whether it is there by now
}

// Make makes the stand-in of a base: it downloads what the recipe needs,
// lays out a build context, and has the engine build it.
func Make(ctx context.Context, e *engine.Engine, o Order, say Progress) error {
	if err := canRebuild(e); err != nil {
		return err
	}
	if o.Arch != e.Arch && !o.Recipe.Crosses {
		return fmt.Errorf("its recipe compiles C, so it is made on a machine of its own kind only: %s, not %s", o.Arch, e.Arch)
	}
	c, err := openCache(ctx, say)
	if err != nil {
		return err
	}
	defer c.close()
	// The run that was waited for may have done it.
	if done, err := o.Done(); done || err != nil {
		return err
	}
	sweep(ctx, e, c.id()) // after a run that could not
	work, err := c.work()
	if err != nil {
		return err
	}
	defer removeTree(work)
	say.Sayf("rebuilding it from Debian's packages and the official Go release: about a minute; downloads stay in %s", c.dir)
	if err := o.Recipe.context(ctx, c, o.Arch, e.Arch, work, say); err != nil {
		return err
	}
	return build(ctx, e, o, filepath.Join(work, "context"), c, say)
}

// canRebuild says what this machine lacks.
func canRebuild(e *engine.Engine) error {
	if runtime.GOOS != "linux" || e.OS != "linux" {
		return errors.New("needs Debian or Ubuntu")
	}
	for _, name := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("needs Debian or Ubuntu: there is no %s on PATH", name)
		}
	}
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("needs Go: there is no go on PATH")
	}
	return nil
}

// context lays out the build context in work/context.
func (r *Recipe) context(ctx context.Context, c *cache, arch, compilerArch, work string, say Progress) error {
	dir := filepath.Join(work, "context")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := r.copyFiles(dir); err != nil {
		return err
	}
	packages, err := c.folder("packages-" + filepath.Base(r.Folder) + "-" + arch)
	if err != nil {
		return err
	}
	mods, err := c.folder("modules")
	if err != nil {
		return err
	}
	d := &debian{arch: arch, packages: r.Packages, folder: packages, work: filepath.Join(work, "apt"), say: say}
	m := &modules{cache: mods, work: work, say: say}
	jobs, ctx := errgroup.WithContext(ctx)
	jobs.Go(func() error {
		files, err := d.fetch(ctx)
		if err != nil {
			return err
		}
		return into(filepath.Join(dir, "packages.tar"), func(w io.Writer) error { return layOut(ctx, files, w) })
	})
	jobs.Go(func() error {
		zip, err := m.toolchain(ctx, r.Toolchain, compilerArch)
		if err != nil {
			return err
		}
		return into(filepath.Join(dir, "toolchain.zip"), func(w io.Writer) error { return m.writeZip(zip, w) })
	})
	jobs.Go(func() error {
		return into(filepath.Join(dir, "modules.tar"), func(w io.Writer) error { return m.proxy(ctx, r.Modules, w) })
	})
	return errors.Join(jobs.Wait(), m.trim())
}

// copyFiles copies the recipe's own files. Whether a checkout keeps run bits
// and line ends depends on the system, so they are set here.
func (r *Recipe) copyFiles(dir string) error {
	names, err := r.files()
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(r.Folder, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(string(content), "#!") {
			mode = 0o755
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, asCommitted(content), mode); err != nil {
			return err
		}
	}
	return nil
}

// layOut writes the trees of packages into one tar.
func layOut(ctx context.Context, files []string, w io.Writer) error {
	l, err := newLayout(w)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := piped(ctx, l.add, "dpkg-deb", "--fsys-tarfile", file); err != nil {
			return fmt.Errorf("unpacking %s: %w", filepath.Base(file), err)
		}
	}
	return l.close()
}

func into(file string, write func(io.Writer) error) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}
