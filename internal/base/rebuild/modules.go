package rebuild

import (
	"archive/tar"
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"optimizing-dockerfile/internal/atomicfile"
	"optimizing-dockerfile/internal/screen"
)

// toolchain puts into dir the zip of a Go release. It must have the sum that
// bases.yaml names; where that names none, Go's checksum database vouches.
func (c *cache) toolchain(ctx context.Context, t Toolchain, arch, dir string) error {
	version, sum := t.versionFor(arch), t.Sums[arch]
	return c.lend(dir, "go-"+version, t.Module+"@"+version+" "+sum, func(folder string) error {
		var env []string
		if sum == "" { // whatever this user has set
			env = []string{"GOSUMDB=sum.golang.org", "GONOSUMDB=", "GOPRIVATE="}
		}
		modules := filepath.Join(c.work, "toolchain")
		screen.Sayf(c.say, "downloading the Go release %s", version)
		defer screen.Meanwhile(c.say, 5*time.Second, func(string) string {
			return "the Go release: " + screen.Size(sizeOf(filepath.Join(modules, "cache"))) + " so far"
		})()
		got, err := goDownload(ctx, c.work, modules, env, t.Module+"@"+version)
		if err != nil {
			return err
		}
		if sum != "" && got.Sum != sum {
			return fmt.Errorf("the Go release %s has the sum %s, bases.yaml says %s: it is not what it should be", version, got.Sum, sum)
		}
		return atomicfile.Fill(filepath.Join(folder, "toolchain.zip"), func(w io.Writer) error { return writeZip(got.Zip, w) })
	})
}

// modules puts into dir what a module proxy serves of the modules that the app's go.sum lists, and of
// no others, as a tar. The go command holds each against its sum there as it comes.
func (c *cache) modules(ctx context.Context, app, dir string) error {
	work := filepath.Join(c.work, "app") // a copy: the go command may write to it
	if err := os.CopyFS(work, os.DirFS(app)); err != nil {
		return err
	}
	mod, noMod := os.ReadFile(filepath.Join(work, "go.mod"))
	sums, noSums := os.ReadFile(filepath.Join(work, "go.sum"))
	if err := errors.Join(noMod, noSums); err != nil {
		return err
	}
	asked := fmt.Sprintf("%x", sha256.Sum256(append(mod, sums...)))
	return c.lend(dir, "modules", asked, func(folder string) error {
		screen.Sayf(c.say, "downloading the app's modules")
		modules := filepath.Join(c.work, "modules")
		if _, err := goDownload(ctx, work, modules, nil); err != nil {
			return err
		}
		return atomicfile.Fill(filepath.Join(folder, "modules.tar"), func(w io.Writer) error {
			return writeProxy(filepath.Join(modules, "cache", "download"), string(sums), w)
		})
	})
}

// downloaded is what the go command says of a module that it has downloaded.
type downloaded struct{ Zip, Sum, Error string }

// goDownload runs `go mod download` in dir, into an empty module cache, and gives the last module
// of what came. Proxies and the like are the user's.
func goDownload(ctx context.Context, dir, modules string, env []string, which ...string) (one downloaded, err error) {
	env = append(env, "GOMODCACHE="+modules, "GOFLAGS=-mod=mod -modcacherw", "GOTOOLCHAIN=local", "GOWORK=off", "GO111MODULE=on")
	out, err := runProgram(ctx, dir, env, "go", append([]string{"mod", "download", "-json"}, which...)...)
	for decoder := json.NewDecoder(strings.NewReader(out)); decoder.Decode(&one) == nil && ctx.Err() == nil; {
		if one.Error != "" {
			return one, fmt.Errorf("go mod download: %s", screen.Line(one.Error))
		}
	}
	return one, err
}

// writeZip writes a module's zip anew, with nothing in it that its sum does not vouch
// for. The sum is of the files as Go's reader finds them, by the list at the end; the
// unzip in the recipe goes by what stands before each file, and by its attributes.
func writeZip(file string, out io.Writer) error {
	in, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer in.Close()
	anew := zip.NewWriter(out)
	for _, f := range in.File {
		f.FileHeader = zip.FileHeader{
			Name: f.Name, Method: f.Method, CRC32: f.CRC32,
			CompressedSize64: f.CompressedSize64, UncompressedSize64: f.UncompressedSize64,
		}
		if err := anew.Copy(f); err != nil {
			return err
		}
	}
	return anew.Close()
}

// writeProxy writes a tar of the files of a module cache that a go.sum lists.
func writeProxy(cache, sums string, out io.Writer) error {
	files := map[string][]byte{} // nil: a folder
	for i, line := range strings.Split(strings.TrimSpace(sums), "\n") {
		f := strings.Fields(line)
		if len(f) != 3 {
			return fmt.Errorf("go.sum:%d: not a module, a version and a sum", i+1)
		}
		version, onlyMod := strings.CutSuffix(f[1], "/go.mod")
		name, err := place(f[0], version)
		if err != nil {
			return err
		}
		ending := ".zip"
		if onlyMod {
			ending = ".mod"
		}
		content, err := os.ReadFile(filepath.Join(cache, filepath.FromSlash(name+ending)))
		if err != nil {
			return err
		}
		files[name+ending], files[name+".info"] = content, fmt.Appendf(nil, "{\"Version\":%q}\n", version)
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			files[dir] = nil
		}
	}
	w := tar.NewWriter(out)
	for _, name := range slices.Sorted(maps.Keys(files)) { // a folder before what is in it
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(files[name]))}
		if files[name] == nil {
			h = &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(files[name]); err != nil {
			return err
		}
	}
	return w.Close()
}

// place is where a module's files lie below a module proxy, without their endings.
func place(name, version string) (string, error) {
	p, err := module.EscapePath(name)
	if err != nil {
		return "", err
	}
	v, err := module.EscapeVersion(version)
	return p + "/@v/" + v, err
}
