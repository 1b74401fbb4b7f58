package rebuild

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"optimizing-dockerfile/internal/screen"
)

// modules gets Go modules with the go command, into a module cache of our own.
type modules struct {
	cache string // GOMODCACHE
	work  string // for this run
	say   screen.Reporter
}

func (c *cache) modules(say screen.Reporter) *modules {
	return &modules{cache: filepath.Join(c.dir, "modules"), work: c.work, say: say}
}

// toolchain gives the zip of a Go release. It must have the sum that
// bases.yaml names; where that names none, Go's checksum database vouches.
func (m *modules) toolchain(ctx context.Context, t Toolchain, arch string) (string, error) {
	version := t.versionFor(arch)
	name, err := place(t.Module, version)
	if err != nil {
		return "", err
	}
	zip := m.file(name + ".zip")
	sum := t.Sums[arch]
	want := sum
	if want == "" { // what an earlier run downloaded, and the database vouched for
		text, _ := os.ReadFile(zip + "hash")
		want = strings.TrimSpace(string(text))
	}
	switch got, err := dirhash.HashZip(zip, dirhash.Hash1); {
	case err == nil && got == want:
		return zip, nil
	case !errors.Is(err, os.ErrNotExist): // the go command would trust it
		screen.Sayf(m.say, "%s in the cache is damaged: downloading it again", filepath.Base(zip))
		if err := m.forget(name); err != nil {
			return "", err
		}
	}
	env := []string{}
	if sum == "" {
		database, err := checksumDatabase(ctx)
		if err != nil {
			return "", err
		}
		env = append(env, "GOSUMDB="+database, "GONOSUMDB=", "GOPRIVATE=")
	}
	screen.Sayf(m.say, "downloading the Go release %s", version)
	defer Tick(5*time.Second, func(time.Duration) { screen.Sayf(m.say, "the Go release: %s so far", MB(sizeOf(filepath.Dir(zip)))) })()
	if err := m.download(ctx, m.work, env, t.Module+"@"+version); err != nil {
		return "", err
	}
	got, err := dirhash.HashZip(zip, dirhash.Hash1)
	if err == nil && sum != "" && got != sum {
		m.forget(name)
		err = fmt.Errorf("the Go release %s has the sum %s, bases.yaml says %s: what came is not what it should be", version, got, sum)
	}
	return zip, err
}

// checksumDatabase names Go's own, whatever this user has set.
func checksumDatabase(ctx context.Context) (string, error) {
	name, err := runProgram(ctx, "", []string{"GOENV=off", "GOSUMDB="}, "go", "env", "GOSUMDB")
	return strings.TrimSpace(name), err
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

// file is what the cache has of a proxy's file; it need not be there.
func (m *modules) file(name string) string {
	return filepath.Join(m.cache, "cache", "download", filepath.FromSlash(name))
}

// forget removes all that the cache knows of a version of a module.
func (m *modules) forget(place string) error {
	files, err := filepath.Glob(m.file(place) + ".*")
	for _, file := range files {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// download runs `go mod download` in dir. Proxies and the like are the user's.
func (m *modules) download(ctx context.Context, dir string, env []string, which ...string) error {
	env = append(env, "GOMODCACHE="+m.cache, "GOFLAGS=-mod=mod -modcacherw", "GOTOOLCHAIN=local", "GOWORK=off", "GO111MODULE=on")
	out, err := runProgram(ctx, dir, env, "go", append([]string{"mod", "download", "-json"}, which...)...)
	for decoder := json.NewDecoder(strings.NewReader(out)); decoder.More() && ctx.Err() == nil; {
		var one struct{ Error string }
		if decoder.Decode(&one) != nil {
			break
		}
		if one.Error != "" {
			return fmt.Errorf("go mod download: %s", screen.Line(one.Error))
		}
	}
	return err
}

// trim removes the trees that the go command unpacks beside its downloads.
func (m *modules) trim() error {
	entries, err := os.ReadDir(m.cache)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.Name() != "cache" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(m.cache, entry.Name())))
		}
	}
	return err
}

// writeZip writes a module's zip anew, with nothing in it that its sum does not vouch
// for. The sum is of the files as Go's reader finds them, by the list at the end; the
// unzip in the recipe goes by what stands before each file, and by its attributes.
func (m *modules) writeZip(file string, out io.Writer) error {
	in, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer in.Close()
	anew := zip.NewWriter(out)
	for _, f := range in.File {
		to, err := anew.CreateRaw(&zip.FileHeader{
			Name: f.Name, Method: f.Method, CRC32: f.CRC32,
			CompressedSize64: f.CompressedSize64, UncompressedSize64: f.UncompressedSize64,
		})
		if err != nil {
			return err
		}
		from, err := f.OpenRaw()
		if err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
	return anew.Close()
}

// proxy writes to the file out the modules that the app's go.sum lists, and no others, as
// a tar of what a module proxy serves. A file that is not here with its sum is downloaded.
func (m *modules) proxy(ctx context.Context, app, out string) error {
	dir := filepath.Join(m.work, "app") // a copy: the go command may write to it
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var sums string
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(app, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
		sums = string(text)
	}
	for told := map[string]bool{}; ; {
		err := into(out, func(w io.Writer) error { return m.writeProxy(sums, w) })
		var bad *unlike
		if !errors.As(err, &bad) || told[bad.name] {
			return err
		}
		told[bad.name] = true
		screen.Sayf(m.say, "downloading the app's modules: %v", err)
		if err := m.forget(strings.TrimSuffix(bad.name, path.Ext(bad.name))); err != nil {
			return err
		}
		if err := m.download(ctx, dir, nil); err != nil {
			return err
		}
	}
}

// unlike is a file that is not here, or not with the sum that go.sum says.
type unlike struct{ name, how string }

func (u *unlike) Error() string { return u.name + " in the cache is " + u.how }

func (m *modules) writeProxy(sums string, out io.Writer) error {
	w := tar.NewWriter(out)
	there := map[string]bool{".": true}
	var add func(name string, content []byte) error // nil: a folder
	add = func(name string, content []byte) error {
		if there[name] {
			return nil
		}
		there[name] = true
		if err := add(path.Dir(name), nil); err != nil {
			return err
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}
		if content == nil {
			h = &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
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
		info, ending := name+".info", ".zip"
		if onlyMod {
			ending = ".mod"
		}
		content, err := os.ReadFile(m.file(name + ending))
		got := ""
		if err == nil && onlyMod {
			got, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(content)), nil
			})
		} else if err == nil {
			got, err = dirhash.HashZip(m.file(name+ending), dirhash.Hash1)
		}
		if errors.Is(err, os.ErrNotExist) {
			return &unlike{name + ending, "missing"}
		}
		if err != nil || got != f[2] {
			return &unlike{name + ending, "damaged"}
		}
		if err := add(name+ending, content); err != nil {
			return err
		}
		if err := add(info, []byte(fmt.Sprintf("{\"Version\":%q}\n", version))); err != nil {
			return err
		}
	}
	return w.Close()
}
