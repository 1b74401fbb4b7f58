// Package rebuild makes the stand-in of a base out of Debian's packages, the official
// Go release and the app's modules, where no image can be pulled.
package rebuild

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/screen"
)

// Order is a stand-in to make.
type Order struct {
	Name   string // of the image
	For    string // the image that it takes the place of
	On     string // that image, where it is here and lacks nothing but the app's modules; else ""
	Recipe *Recipe
	Arch   string               // the machine that it is for, as in GOARCH
	Done   func() (bool, error) // says whether it is there by now
}

// Make makes the stand-in of a base: it downloads what the recipe needs,
// lays out a build context, and has the engine build it.
func Make(ctx context.Context, e *engine.Engine, o Order, say screen.Reporter) error {
	if err := canRebuild(e); err != nil && o.On == "" {
		return err
	}
	if o.Arch != e.Arch && !o.Recipe.Crosses && o.On == "" {
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
	c.sweep(ctx, e) // after a run that could not
	dir := filepath.Join(c.work, "context")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if o.On != "" {
		screen.Sayf(say, "adding the app's modules to %s", o.On)
		err = errors.Join(os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(withModules), 0o644), c.modules(ctx, o.Recipe.Modules, dir))
	} else {
		screen.Sayf(say, "rebuilding it from Debian's packages and the official Go release: about a minute; downloads stay in %s", c.dir)
		err = o.Recipe.context(ctx, c, o.Arch, e.Arch, dir)
	}
	if err != nil {
		return err
	}
	return build(ctx, e, o, dir, c)
}

// withModules needs to run nothing in the image. Its last instruction is the one
// by which a stand-in is known.
const withModules = `ARG IMAGE
FROM ${IMAGE}
ADD modules.tar /usr/local/share/goproxy/
ENV GOPROXY=file:///usr/local/share/goproxy GOSUMDB=off
ARG RECIPE
LABEL optimizing-dockerfile.made=base optimizing-dockerfile.recipe=$RECIPE
`

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

// context lays out the build context in a folder. Whether a checkout keeps run bits and line
// ends depends on the system, so those of the recipe's own files are set here.
func (r *Recipe) context(ctx context.Context, c *cache, arch, compilerArch, dir string) error {
	files, err := r.files()
	for name, content := range files {
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(content, []byte("#!")) {
			mode = 0o755
		}
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, mode))
	}
	if err != nil {
		return err
	}
	jobs, ctx := errgroup.WithContext(ctx)
	jobs.Go(func() error {
		folder, err := c.packages(ctx, r, arch)
		if err != nil {
			return err
		}
		return layOut(ctx, folder, filepath.Join(c.work, "tree"), filepath.Join(dir, "packages.tar"))
	})
	jobs.Go(func() error { return c.toolchain(ctx, r.Toolchain, compilerArch, dir) })
	jobs.Go(func() error { return c.modules(ctx, r.Modules, dir) })
	return jobs.Wait()
}

// runProgram runs a program of this machine in dir and gives what it prints. When the
// context ends, so does the program. The error holds the program's own words.
func runProgram(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var out strings.Builder
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env, command.Stdout = dir, env, &out
	err := run(ctx, command)
	return out.String(), err
}

// run runs a command, and makes its failure one line: what it says itself. Of apt's
// lines those marked E: count.
func run(ctx context.Context, command *exec.Cmd) error {
	var words strings.Builder
	command.Stderr = &words
	command.Env = append(append(os.Environ(), "LC_ALL=C"), command.Env...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 2 * time.Second
	err := command.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	var marked []string
	for _, line := range strings.Split(words.String(), "\n") {
		if strings.HasPrefix(line, "E: ") || strings.HasPrefix(line, "Err:") {
			marked = append(marked, strings.TrimPrefix(line, "E: "))
		}
	}
	text := screen.Line(cmp.Or(strings.Join(marked, "; "), words.String(), err.Error()))
	return fmt.Errorf("%s: %s", command.Args[0], screen.Short(text, 400))
}

// Recipe says how a stand-in of a base is made.
type Recipe struct {
	Folder    string    `yaml:"folder"`    // a Dockerfile and what else it copies
	Packages  []string  `yaml:"packages"`  // of Debian or Ubuntu; their dependencies come with them
	Toolchain Toolchain `yaml:"toolchain"` // the Go release
	Crosses   bool      `yaml:"crosses"`   // for another machine, the engine's own Go can take the place of that machine's
	Modules   string    `yaml:"modules"`   // the folder whose go.sum lists the modules that lie in the base
}

// Toolchain is a Go release as a module.
type Toolchain struct {
	Module  string            `yaml:"module"`
	Version string            `yaml:"version"` // without .linux-ARCH
	Sums    map[string]string `yaml:"sums"`    // h1: of the module's zip, by architecture
}

// format changes when this package lays out the build context in another way,
// so that stand-ins made before are made anew.
const format = "1"

// Digest covers all that decides what a stand-in is: the recipe's files, the
// packages by name (a security update of one is no other recipe), the Go
// release, and the app's modules.
func (r *Recipe) Digest(arch string) (string, error) {
	if r == nil {
		return "", errors.New("the base has no recipe")
	}
	hash := sha256.New()
	add := func(name string, content []byte) {
		fmt.Fprintf(hash, "%s %d\n", name, len(content))
		hash.Write(content)
	}
	add("format", []byte(format))
	add("arch", []byte(arch))
	add("packages", []byte(strings.Join(r.Packages, "\n")))
	add("toolchain", []byte(r.Toolchain.Module+"@"+r.Toolchain.versionFor(arch)+" "+r.Toolchain.Sums[arch]))
	files, err := r.files()
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		add("file "+name, files[name])
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(r.Modules, name))
		if err != nil {
			return "", err
		}
		add(name, asCommitted(content))
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}

// files gives those of the recipe's folder, which has no folders in it, by their names.
func (r *Recipe) files() (map[string][]byte, error) {
	all := map[string][]byte{}
	entries, err := os.ReadDir(r.Folder)
	for _, entry := range entries {
		content, failed := os.ReadFile(filepath.Join(r.Folder, entry.Name()))
		all[entry.Name()], err = asCommitted(content), errors.Join(err, failed)
	}
	return all, err
}

// asCommitted undoes what a Windows checkout does to line ends.
func asCommitted(content []byte) []byte {
	return bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
}

func (t Toolchain) versionFor(arch string) string { return t.Version + ".linux-" + arch }
