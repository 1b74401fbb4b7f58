package rebuild

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
)

// listed is a line of a go.sum: the sum of a module's zip, or of its go.mod.
type listed struct {
	path, version string
	onlyMod       bool
	sum           string
}

// parseSums reads a go.sum.
func parseSums(text string) ([]listed, error) {
	var all []listed
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("go.sum:%d: not a module, a version and a sum", i+1)
		}
		version, onlyMod := strings.CutSuffix(f[1], "/go.mod")
		all = append(all, listed{path: f[0], version: version, onlyMod: onlyMod, sum: f[2]})
	}
	return all, nil
}

// proxy writes the modules that a go.sum lists, and no others, as a tar of the
// tree that a module proxy serves. Each file has the sum that go.sum says.
func (m *modules) proxy(ctx context.Context, app string, out io.Writer) error {
	text, err := os.ReadFile(filepath.Join(app, "go.sum"))
	if err != nil {
		return err
	}
	lines, err := parseSums(string(text))
	if err != nil {
		return err
	}
	if missing, err := m.damaged(lines); err != nil {
		return err
	} else if missing > 0 {
		m.say.Sayf("downloading the app's modules: %d files", missing)
		if err := m.downloadAll(ctx, app); err != nil {
			return err
		}
		if missing, err := m.damaged(lines); err != nil || missing > 0 {
			return errors.Join(err, fmt.Errorf("%d files that %s lists did not come, or not with its sums", missing, filepath.Join(app, "go.sum")))
		}
	}
	return m.writeProxy(lines, out)
}

// damaged counts the files that are not here, and removes those that are here
// with a wrong sum.
func (m *modules) damaged(lines []listed) (count int, err error) {
	for _, l := range lines {
		ending := "zip"
		if l.onlyMod {
			ending = "mod"
		}
		file, err := m.file(l.path, l.version, ending)
		if err != nil {
			return 0, err
		}
		var whole bool
		if l.onlyMod {
			whole, err = m.wholeMod(file, l.sum)
		} else {
			whole, err = m.whole(file, l.sum)
		}
		if err != nil {
			return 0, err
		}
		if !whole {
			count++
		}
	}
	return count, nil
}

// wholeMod is whole for a go.mod.
func (m *modules) wholeMod(file, want string) (bool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	got, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	})
	if err == nil && got == want {
		return true, nil
	}
	m.say.Sayf("%s in the cache is damaged: downloading it again", filepath.Base(file))
	return false, m.forget(strings.TrimSuffix(file, "mod") + "zip")
}

// downloadAll downloads what a copy of the app's go.mod asks for: the go
// command may write to it.
func (m *modules) downloadAll(ctx context.Context, app string) error {
	dir := filepath.Join(m.work, "app")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(app, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	_, err := m.download(ctx, dir, nil)
	return err
}

func (m *modules) writeProxy(lines []listed, out io.Writer) error {
	w := tar.NewWriter(out)
	folders := map[string]bool{".": true}
	var folder func(name string) error
	folder = func(name string) error {
		if folders[name] {
			return nil
		}
		folders[name] = true
		if err := folder(path.Dir(name)); err != nil {
			return err
		}
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755})
	}
	add := func(name string, content []byte) error {
		if err := folder(path.Dir(name)); err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	informed := map[string]bool{}
	for _, l := range lines {
		p, err := module.EscapePath(l.path)
		if err != nil {
			return err
		}
		v, err := module.EscapeVersion(l.version)
		if err != nil {
			return err
		}
		ending := ".zip"
		if l.onlyMod {
			ending = ".mod"
		}
		content, err := os.ReadFile(filepath.Join(m.cache, "cache", "download", filepath.FromSlash(p), "@v", v+ending))
		if err != nil {
			return err
		}
		if err := add(p+"/@v/"+v+ending, content); err != nil {
			return err
		}
		if info := p + "/@v/" + v + ".info"; !informed[info] {
			informed[info] = true
			if err := add(info, []byte(fmt.Sprintf("{\"Version\":%q}\n", l.version))); err != nil {
				return err
			}
		}
	}
	return w.Close()
}

// WithModules calls use with a folder in which modules.tar holds the app's modules, as
// a file GOPROXY, for as long as the call lasts.
func WithModules(ctx context.Context, r *Recipe, say Progress, use func(dir string) error) error {
	c, err := openCache(ctx, say)
	if err != nil {
		return err
	}
	defer c.close()
	work, err := c.work()
	if err != nil {
		return err
	}
	defer removeTree(work)
	mods, err := c.folder("modules")
	if err != nil {
		return err
	}
	dir := filepath.Join(work, "context")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	m := &modules{cache: mods, work: work, say: say}
	err = into(filepath.Join(dir, "modules.tar"), func(w io.Writer) error { return m.proxy(ctx, r.Modules, w) })
	if err := errors.Join(err, m.trim()); err != nil {
		return err
	}
	return use(dir)
}
