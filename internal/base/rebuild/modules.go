package rebuild

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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
	say   Progress
}

// toolchain gives the zip of a Go release. It must have the sum that
// bases.yaml names; where that names none, Go's checksum database vouches.
func (m *modules) toolchain(ctx context.Context, t Toolchain, arch string) (string, error) {
	version := t.versionFor(arch)
	zip, err := m.file(t.Module, version, "zip")
	if err != nil {
		return "", err
	}
	sum := t.Sums[arch]
	want := sum
	if want == "" { // what an earlier run downloaded, and the database vouched for
		text, _ := os.ReadFile(zip + "hash")
		want = strings.TrimSpace(string(text))
	}
	if here, err := m.whole(zip, want); here || err != nil {
		return zip, err
	}
	m.say.Sayf("downloading the Go release %s", version)
	download, _ := filepath.Split(zip)
	before := int64(-1)
	stop := Tick(5*time.Second, func(time.Duration) {
		size := sizeOf(download)
		if size == before {
			m.say.Sayf("the Go release: %s, waiting for more or checking it", MB(size))
		} else {
			m.say.Sayf("the Go release: %s so far", MB(size))
		}
		before = size
	})
	var vouch []string
	if sum == "" {
		database, err := checksumDatabase(ctx)
		if err != nil {
			stop()
			return "", err
		}
		vouch = []string{"GOSUMDB=" + database, "GONOSUMDB=", "GOPRIVATE="}
	}
	got, err := m.download(ctx, m.work, vouch, t.Module+"@"+version)
	stop()
	if err != nil {
		return "", err
	}
	if len(got) != 1 || got[0].Zip == "" {
		return "", fmt.Errorf("go mod download names no file for %s@%s", t.Module, version)
	}
	if sum != "" && got[0].Sum != sum {
		m.forget(zip)
		return "", fmt.Errorf("the Go release %s has the sum %s, bases.yaml says %s: what came is not what it should be", version, got[0].Sum, sum)
	}
	return got[0].Zip, nil
}

// checksumDatabase names Go's own, whatever this user has set: it vouches for a
// release that has no sum in bases.yaml.
func checksumDatabase(ctx context.Context) (string, error) {
	var name strings.Builder
	err := runProgram(ctx, "", []string{"GOENV=off", "GOSUMDB="}, &name, "go", "env", "GOSUMDB")
	return strings.TrimSpace(name.String()), err
}

// whole reports whether a module's zip is here with the right sum. A damaged
// one is removed: the go command would trust it.
func (m *modules) whole(zip, want string) (bool, error) {
	if _, err := os.Stat(zip); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	got, err := dirhash.HashZip(zip, dirhash.Hash1)
	if err == nil && got == want {
		return true, nil
	}
	m.say.Sayf("%s in the cache is damaged: downloading it again", filepath.Base(zip))
	return false, m.forget(zip)
}

// forget removes all that the module cache knows of the version of a zip.
func (m *modules) forget(zip string) error {
	files, err := filepath.Glob(strings.TrimSuffix(zip, "zip") + "*")
	for _, file := range files {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// file gives the place of a module's file in the cache; it need not be there.
func (m *modules) file(path, version, ending string) (string, error) {
	p, err := module.EscapePath(path)
	if err != nil {
		return "", err
	}
	v, err := module.EscapeVersion(version)
	return filepath.Join(m.cache, "cache", "download", filepath.FromSlash(p), "@v", v+"."+ending), err
}

// downloaded is what `go mod download -json` says of a module.
type downloaded struct{ Path, Version, Zip, Sum, Error string }

// download runs `go mod download` in dir. Proxies and the like are the user's.
func (m *modules) download(ctx context.Context, dir string, env []string, which ...string) ([]downloaded, error) {
	env = append(env, "GOMODCACHE="+m.cache, "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local", "GOWORK=off", "GO111MODULE=on")
	var out strings.Builder
	err := runProgram(ctx, dir, env, &out, "go", append([]string{"mod", "download", "-json"}, which...)...)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var all []downloaded
	for decoder := json.NewDecoder(strings.NewReader(out.String())); decoder.More(); {
		var one downloaded
		if err := decoder.Decode(&one); err != nil {
			return nil, fmt.Errorf("go mod download: %w", err)
		}
		if one.Error != "" {
			return nil, fmt.Errorf("go mod download: %s", screen.Line(one.Error))
		}
		all = append(all, one)
	}
	return all, err
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

// trim removes the trees that the go command unpacks beside its downloads.
func (m *modules) trim() error {
	entries, err := os.ReadDir(m.cache)
	for _, entry := range entries {
		if entry.Name() != "cache" {
			err = errors.Join(err, removeTree(filepath.Join(m.cache, entry.Name())))
		}
	}
	return err
}
