//go:build unix

package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"testing"

	"optimizing-dockerfile/internal/doctor/image"
)

// hostImage is this machine's own file system, taken for an image.
type hostImage struct{ config image.Config }

func (hostImage) Name() string           { return "this machine" }
func (hostImage) ID() string             { return "" }
func (h hostImage) Config() image.Config { return h.config }
func (hostImage) Close() error           { return nil }
func (hostImage) Lstat(_ context.Context, p string) (image.Entry, error) {
	i, err := os.Lstat(p)
	if err != nil {
		return image.Entry{}, err
	}
	e := image.Entry{Path: p, Mode: i.Mode(), Size: i.Size()}
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		e.UID, e.GID = int(st.Uid), int(st.Gid)
	}
	if e.IsLink() {
		e.Link, err = os.Readlink(p)
	}
	return e, err
}

type hostFile struct{ *os.File }

func (f hostFile) Size() int64 { i, _ := f.Stat(); return i.Size() }

func (hostImage) Open(_ context.Context, p string) (image.File, error) {
	f, err := os.Open(p)
	return hostFile{f}, err
}

// What runs on this machine is what the loader's rules must let through: every
// program of the distribution, with all of its libraries, versions and symbols.
func TestThisMachinesProgramsStart(t *testing.T) {
	counted, every := 0, 0
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/usr/local/bin"} {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, e := range entries {
			path := dir + "/" + e.Name()
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
				continue
			}
			f, err := os.Open(path)
			if err != nil { // not for this user
				continue
			}
			magic := make([]byte, 4)
			f.Read(magic)
			f.Close()
			if string(magic) != "\x7fELF" {
				continue
			}
			if every++; every%25 != 0 { // a sample: all of them take a minute
				continue
			}
			d, err := Examine(context.Background(), hostImage{image.Config{Entrypoint: []string{path}}}, Machine{OS: "linux", Arch: runtime.GOARCH}, Start{})
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			counted++
			if d.Starts == nil || !*d.Starts {
				t.Errorf("%s: %s %s %v", path, d.Cause, d.Summary, d.Evidence)
			}
		}
	}
	t.Logf("%d programs", counted)
}
