//go:build linux

package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor/image"
)

// hostImage is this machine's own file system, taken for an image.
type hostImage struct{ config image.Config }

func (h hostImage) About() image.About { return image.About{Name: "this machine", Config: h.config} }
func (hostImage) Close() error         { return nil }
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
			d, err := Examine(context.Background(), hostImage{image.Config{Config: v1.Config{Entrypoint: []string{path}}}}, Machine{OS: "linux",
				Arch: runtime.GOARCH}, Options{})
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if d.Cause == NoCommand { // such as tini, which takes the words of another program
				continue
			}
			counted++
			if (d.Starts == nil || !*d.Starts) && d.Cause != NoCommand { // a wrapper by itself
				t.Errorf("%s: %s %s %v", path, d.Cause, d.Summary, d.Evidence)
			}
		}
	}
	t.Logf("%d programs", counted)
}

// partly is this machine without some of its files. It remembers what the doctor looked at.
type partly struct {
	hostImage
	gone, files map[string]bool
	links       map[string]string
}

func (p partly) Lstat(ctx context.Context, at string) (image.Entry, error) {
	if p.gone[at] {
		return image.Entry{}, &fs.PathError{Op: "lstat", Path: at, Err: fs.ErrNotExist}
	}
	e, err := p.hostImage.Lstat(ctx, at)
	if err == nil && e.IsLink() {
		p.links[at] = e.Link
	}
	return e, err
}

func (p partly) Open(ctx context.Context, at string) (image.File, error) {
	p.files[at] = true
	return p.hostImage.Open(ctx, at)
}

// below copies the files and links to below another root.
func (p partly) below(t *testing.T, root string) {
	for at, to := range p.links {
		require.NoError(t, os.MkdirAll(filepath.Dir(root+at), 0o755))
		require.NoError(t, os.Symlink(to, root+at))
	}
	for at := range p.files {
		data, err := os.ReadFile(at)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(root+at), 0o755))
		if !p.gone[at] {
			require.NoError(t, os.WriteFile(root+at, data, 0o755))
		}
	}
}

// This machine's own programs, whole and without single ones of their files, against really starting
// them so, below a root of their own. The loader's cache stays out: it names what is gone.
func TestThisMachinesProgramsAgainstRealStarts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it takes root, to start programs below another one")
	}
	ctx, machine := context.Background(), MachineOf("linux", runtime.GOARCH, true, false)
	starts := map[bool]int{}
	for _, name := range []string{"/usr/bin/env", "/usr/bin/ls", "/usr/bin/grep", "/usr/bin/find", "/usr/bin/tar", "/usr/bin/bash",
		"/usr/bin/perl", "/usr/bin/curl", "/usr/bin/xz"} {
		if _, err := os.Stat(name); err != nil {
			continue
		}
		prove := func(gone ...string) (partly, *Diagnosis) {
			img := partly{gone: map[string]bool{"/etc/ld.so.cache": true}, files: map[string]bool{}, links: map[string]string{}}
			for _, at := range gone {
				img.gone[at] = true
			}
			d, err := Prove(ctx, img, machine, Options{Entrypoint: &[]string{name}, Args: []string{"--version"}})
			require.NoError(t, err)
			return img, d
		}
		whole, _ := prove()
		for without := range whole.files {
			if without == "/etc/passwd" || without == "/etc/group" {
				without = "/nothing"
			}
			_, d := prove(without)
			root := t.TempDir()
			whole.gone = map[string]bool{without: true}
			whole.below(t, root)
			cmd := exec.Command(name, "--version")
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
			out, err := cmd.CombinedOutput()
			really := err == nil
			require.NotNil(t, d.Starts, d.Summary)
			assert.Equal(t, really, *d.Starts, "%s without %s: %s; really: %v %s", name, without, d.Summary, err, out)
			starts[really]++
		}
	}
	t.Logf("%d started, %d did not", starts[true], starts[false])
	assert.NotZero(t, starts[true])
	assert.NotZero(t, starts[false])
}
