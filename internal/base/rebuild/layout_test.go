package rebuild

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pkg makes a package's tree: a folder ends in /, a link has an arrow, a hard
// link an equals sign.
func pkg(t *testing.T, entries ...[2]string) io.Reader {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Name: "./" + e[0], Mode: 0o755}
		switch {
		case e[1] == "/":
			h.Typeflag = tar.TypeDir
		case e[1][0] == '>':
			h.Typeflag, h.Linkname = tar.TypeSymlink, e[1][1:]
		case e[1][0] == '=':
			h.Typeflag, h.Linkname = tar.TypeLink, e[1][1:]
		default:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e[1]))
		}
		require.NoError(t, w.WriteHeader(h))
		if h.Typeflag == tar.TypeReg {
			w.Write([]byte(e[1]))
		}
	}
	require.NoError(t, w.Close())
	return &out
}

func laidOut(t *testing.T, packages ...io.Reader) map[string]string {
	t.Helper()
	var out bytes.Buffer
	l, err := newLayout(&out)
	require.NoError(t, err)
	for _, p := range packages {
		require.NoError(t, l.add(p))
	}
	require.NoError(t, l.close())
	got := map[string]string{}
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if err == io.EOF {
			return got
		}
		require.NoError(t, err)
		_, twice := got[h.Name]
		assert.False(t, twice, "%s twice", h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			got[h.Name] = "/"
		case tar.TypeSymlink:
			got[h.Name] = ">" + h.Linkname
		case tar.TypeLink:
			got[h.Name] = "=" + h.Linkname
		default:
			content, err := io.ReadAll(r)
			require.NoError(t, err)
			got[h.Name] = string(content)
		}
	}
}

// The same packages of a release before and after they moved to usr/ give the same tree.
func TestBothLayoutsBecomeOne(t *testing.T) {
	before := laidOut(t,
		pkg(t, [2]string{"", "/"}, [2]string{"lib/", "/"}, [2]string{"lib/x86_64-linux-musl/", "/"}, [2]string{"lib/x86_64-linux-musl/libc.so", "musl"},
			[2]string{"lib/ld-musl-x86_64.so.1", ">x86_64-linux-musl/libc.so"}),
		pkg(t, [2]string{"usr/", "/"}, [2]string{"usr/lib/", "/"}, [2]string{"usr/lib/x86_64-linux-musl/", "/"},
			[2]string{"usr/lib/x86_64-linux-musl/libc.so", ">/lib/x86_64-linux-musl/libc.so"}, // its own other name
			[2]string{"usr/bin/", "/"}, [2]string{"usr/bin/ldd", ">../../lib/x86_64-linux-musl/libc.so"}, [2]string{"lib64/ld.so.2", ">/lib/x/ld.so"},
			[2]string{"bin/busybox", "busybox"}, [2]string{"bin/bb", "=./bin/busybox"}))
	after := laidOut(t,
		pkg(t, [2]string{"usr/lib/x86_64-linux-musl/libc.so", "musl"}, [2]string{"usr/lib/ld-musl-x86_64.so.1", ">x86_64-linux-musl/libc.so"}),
		pkg(t, [2]string{"usr/bin/ldd", ">../lib/x86_64-linux-musl/libc.so"}, [2]string{"usr/lib64/ld.so.2", ">../lib/x/ld.so"},
			[2]string{"usr/bin/busybox", "busybox"}, [2]string{"usr/bin/bb", "=./usr/bin/busybox"}))
	assert.Equal(t, after, before)
	assert.Equal(t, "musl", before["usr/lib/x86_64-linux-musl/libc.so"])
	assert.Equal(t, ">/usr/lib/x86_64-linux-musl/libc.so", before["usr/lib/ld-musl-x86_64.so.1"])
	assert.Equal(t, ">usr/lib", before["lib"])
	assert.Equal(t, "=usr/bin/busybox", before["usr/bin/bb"])
}

func TestWhatNoCompilerReadsIsLeftOut(t *testing.T) {
	got := laidOut(t, pkg(t, [2]string{"usr/share/doc/gcc/copyright", "x"}, [2]string{"usr/share/docs", "kept"}))
	assert.NotContains(t, got, "usr/share/doc/gcc/copyright")
	assert.Contains(t, got, "usr/share/docs")
}

func TestADeviceIsNoPartOfAPackage(t *testing.T) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeChar, Name: "dev/null"}))
	require.NoError(t, w.Close())
	l, err := newLayout(io.Discard)
	require.NoError(t, err)
	assert.ErrorContains(t, l.add(&out), "dev/null")
}
