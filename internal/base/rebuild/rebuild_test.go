package rebuild

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/test/engines"
)

// Where no command of the recipe ran, what was printed before says nothing: the
// builder's last words do.
func TestAFailedRebuildGivesTheWordsThatTell(t *testing.T) {
	const seccomp = "seccomp: config provided but seccomp not supported"
	for want, err := range map[string]error{
		"RUN a: " + seccomp: &engine.BuildError{Instruction: "RUN a", Output: " ---> Running in 0123456789ab", Message: seccomp},
		"RUN a: bad":        &engine.BuildError{Instruction: "RUN a", Output: "bad", Message: "returned a non-zero code: 2", ExitCode: 2},
		"RUN b: silent":     &engine.BuildError{Message: "silent", ExitCode: 2},
		"RUN b: gone":       errors.New("gone"),
	} {
		assert.Equal(t, want, why(err, "RUN b"))
	}
}

// pkg makes a package of files; a link has an arrow.
func pkg(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["DEBIAN/control"] = "Package: " + name + "\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: a\n"
	for file, content := range files {
		at := filepath.Join(dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		if content[0] == '>' {
			require.NoError(t, os.Symlink(content[1:], at))
		} else {
			require.NoError(t, os.WriteFile(at, []byte(content), 0o755))
		}
	}
	out := filepath.Join(t.TempDir(), name+".deb")
	words, err := exec.Command("dpkg-deb", "--build", dir, out).CombinedOutput()
	require.NoError(t, err, "%s", words)
	return out
}

// laidOut gives files and links, these with the path that they lead to, of what root owns.
func laidOut(t *testing.T, packages ...string) map[string]string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.tar")
	folder := t.TempDir()
	for _, file := range packages {
		require.NoError(t, os.Rename(file, filepath.Join(folder, filepath.Base(file))))
	}
	require.NoError(t, layOut(context.Background(), folder, t.TempDir(), out))
	file, err := os.Open(out)
	require.NoError(t, err)
	defer file.Close()
	got := map[string]string{}
	for r := tar.NewReader(file); ; {
		h, err := r.Next()
		if err == io.EOF {
			return got
		}
		require.NoError(t, err)
		assert.Equal(t, []int{0, 0}, []int{h.Uid, h.Gid}, h.Name)
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeSymlink:
			got[name] = ">" + path.Join("/", path.Dir(name), h.Linkname)
			if path.IsAbs(h.Linkname) {
				got[name] = ">" + h.Linkname
			}
		case tar.TypeReg:
			content, err := io.ReadAll(r)
			require.NoError(t, err)
			got[name] = string(content)
		}
	}
}

// The same packages of a release before and after they moved to usr/ give the same tree.
func TestBothLayoutsBecomeOne(t *testing.T) {
	if canRebuild(&engine.Engine{OS: "linux"}) != nil {
		engines.Without(t, "it takes Debian's or Ubuntu's dpkg-deb")
	}
	before := laidOut(t,
		pkg(t, "musl-dev", map[string]string{"usr/lib/x/libc.so": ">/lib/x/libc.so"}), // its own other name
		pkg(t, "musl", map[string]string{"lib/x/libc.so": "musl", "lib/ld-musl-x86_64.so.1": ">x/libc.so",
			"bin/busybox": "busybox", "usr/share/doc/musl/copyright": "x", "usr/share/docs": "kept"}))
	after := laidOut(t, pkg(t, "musl", map[string]string{"usr/lib/x/libc.so": "musl", "usr/lib/ld-musl-x86_64.so.1": ">x/libc.so",
		"usr/bin/busybox": "busybox", "usr/share/docs": "kept"}))
	assert.Equal(t, after, before)
	assert.Equal(t, "musl", before["usr/lib/x/libc.so"])
	assert.Equal(t, ">/usr/lib/x/libc.so", before["usr/lib/ld-musl-x86_64.so.1"])
	assert.Equal(t, ">/usr/lib", before["lib"])
}

// A package that is cut off ends in an error, not in half a tree.
func TestHalfAPackage(t *testing.T) {
	if canRebuild(&engine.Engine{OS: "linux"}) != nil {
		engines.Without(t, "it takes Debian's or Ubuntu's dpkg-deb")
	}
	file := pkg(t, "half", map[string]string{"a": "a"})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text[:len(text)-60], 0o644))
	err = layOut(context.Background(), filepath.Dir(file), t.TempDir(), filepath.Join(t.TempDir(), "out.tar"))
	assert.ErrorContains(t, err, "unpacking half.deb: ")
}

// `clean` must not take the downloads away from under a run that rebuilds a base.
func TestTheCacheIsRemovedInItsTurn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	t.Setenv(program.CacheVariable, dir)
	ctx := context.Background()
	require.NoError(t, RemoveCache(ctx, dir, nil, func() error { return nil }), "there is none yet")
	assert.NoDirExists(t, dir)

	run, err := openCache(ctx, nil)
	require.NoError(t, err)
	download := filepath.Join(dir, "download")
	require.NoError(t, os.WriteFile(download, nil, 0o644))
	waits, removed := make(chan string, 9), make(chan error)
	var first atomic.Bool // has been done
	go func() {
		removed <- RemoveCache(ctx, dir, said(waits), func() error { first.Store(true); return nil })
	}()
	select {
	case sentence := <-waits:
		assert.Contains(t, sentence, "waiting for another run")
	case err := <-removed:
		t.Fatal("it does not wait: ", err)
	case <-time.After(10 * time.Second):
		t.Fatal("it does not say that it waits")
	}
	assert.FileExists(t, download)
	assert.False(t, first.Load(), "what a rebuild needs is not taken away from under it either")
	run.close()
	require.NoError(t, <-removed)
	assert.True(t, first.Load())
	assert.NoDirExists(t, dir, "nothing is left")
}

// Who waited for the lock while `clean` removed its file has the lock of a new one.
func TestALockThatWasRemovedIsNobodys(t *testing.T) {
	t.Setenv(program.CacheVariable, t.TempDir())
	ctx := context.Background()
	first, err := openCache(ctx, nil)
	require.NoError(t, err)
	got := make(chan *cache)
	go func() {
		second, _ := openCache(ctx, nil)
		got <- second
	}()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, os.RemoveAll(first.dir))
	first.close()
	second := <-got
	require.NotNil(t, second)
	defer second.close()
	held, err := second.lock.Stat()
	require.NoError(t, err)
	there, err := os.Stat(second.lock.Path())
	require.NoError(t, err)
	assert.True(t, os.SameFile(held, there))
}

// What another engine holds must still be known after a `clean` on this one.
func TestTheLedgerStaysInTheCache(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(program.CacheVariable, dir)
	for _, name := range []string{engine.LedgerFile, "download"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644))
	}
	require.NoError(t, RemoveCache(context.Background(), dir, nil, func() error { return nil }))
	assert.FileExists(t, filepath.Join(dir, engine.LedgerFile))
	assert.NoFileExists(t, filepath.Join(dir, "download"))
}
