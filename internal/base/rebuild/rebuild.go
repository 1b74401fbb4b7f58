// Package rebuild makes the stand-in of a base out of Debian's packages, the official
// Go release and the app's modules, where no image can be pulled.
package rebuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// Order is a stand-in to make.
type Order struct {
	Name   string // of the image
	For    string // the image that it takes the place of
	Recipe *Recipe
	Arch   string               // the machine that it is for, as in GOARCH
	Done   func() (bool, error) // says whether it is there by now
}

// Make makes the stand-in of a base: it downloads what the recipe needs,
// lays out a build context, and has the engine build it.
func Make(ctx context.Context, e *engine.Engine, o Order, say screen.Reporter) error {
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
	screen.Sayf(say, "rebuilding it from Debian's packages and the official Go release: about a minute; downloads stay in %s", c.dir)
	dir, err := o.Recipe.context(ctx, c, o.Arch, e.Arch, say)
	if err != nil {
		return err
	}
	return build(ctx, e, o, dir, c, say)
}

// canRebuild says what this machine lacks.
func canRebuild(e *engine.Engine) error {
	if runtime.GOOS != "linux" || e.OS != "linux" {
		return errors.New("needs Debian or Ubuntu")
	}
	for _, need := range [][2]string{{"apt-get", "Debian or Ubuntu"}, {"dpkg-deb", "Debian or Ubuntu"}, {"tar", "tar"}, {"go", "Go"}} {
		if _, err := exec.LookPath(need[0]); err != nil {
			return fmt.Errorf("needs %s: there is no %s on PATH", need[1], need[0])
		}
	}
	return nil
}

// context lays out the build context, and gives its folder.
func (r *Recipe) context(ctx context.Context, c *cache, arch, compilerArch string, say screen.Reporter) (string, error) {
	dir := filepath.Join(c.work, "context")
	if err := r.copyFiles(dir); err != nil {
		return "", err
	}
	d := &debian{arch: arch, packages: r.Packages, say: say,
		folder: filepath.Join(c.dir, "packages-"+filepath.Base(r.Folder)+"-"+arch), work: filepath.Join(c.work, "apt")}
	m := c.modules(say)
	jobs, ctx := errgroup.WithContext(ctx)
	jobs.Go(func() error {
		files, err := d.fetch(ctx)
		if err != nil {
			return err
		}
		return layOut(ctx, files, filepath.Join(c.work, "tree"), filepath.Join(dir, "packages.tar"))
	})
	jobs.Go(func() error {
		zip, err := m.toolchain(ctx, r.Toolchain, compilerArch)
		if err != nil {
			return err
		}
		return into(filepath.Join(dir, "toolchain.zip"), func(w io.Writer) error { return m.writeZip(zip, w) })
	})
	jobs.Go(func() error { return m.proxy(ctx, r.Modules, filepath.Join(dir, "modules.tar")) })
	return dir, errors.Join(jobs.Wait(), m.trim())
}

// WithModules calls use with a folder in which modules.tar holds the app's modules, as
// a file GOPROXY, for as long as the call lasts.
func WithModules(ctx context.Context, r *Recipe, say screen.Reporter, use func(dir string) error) error {
	c, err := openCache(ctx, say)
	if err != nil {
		return err
	}
	defer c.close()
	m := c.modules(say)
	err = m.proxy(ctx, r.Modules, filepath.Join(c.work, "modules.tar"))
	if err := errors.Join(err, m.trim()); err != nil {
		return err
	}
	return use(c.work)
}

// copyFiles copies the recipe's own files. Whether a checkout keeps run bits
// and line ends depends on the system, so they are set here.
func (r *Recipe) copyFiles(dir string) error {
	files, err := r.files()
	if err := errors.Join(err, os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	for _, f := range files {
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(f.content, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), f.content, mode); err != nil {
			return err
		}
	}
	return nil
}

func into(file string, write func(io.Writer) error) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}
