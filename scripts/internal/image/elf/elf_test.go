package elf

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program is the test's own binary, or nil where it is no ELF file.
func program(t testing.TB) []byte {
	at, err := os.Executable()
	require.NoError(t, err)
	b, err := os.ReadFile(at)
	require.NoError(t, err)
	if !bytes.HasPrefix(b, []byte(Magic)) {
		t.Skip("this system's programs are not ELF")
	}
	return b
}

// Section headers are for linkers and debuggers: what runs may lack them.
func TestSectionHeadersAreNotNeeded(t *testing.T) {
	b := program(t)
	whole, err := Parse(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	for i := 40; i < 48; i++ {
		b[i] = 0xff // e_shoff
	}
	f, err := Parse(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	assert.Equal(t, whole.Interp, f.Interp)
	assert.Equal(t, whole.Progs, f.Progs)
	assert.Zero(t, f.Strippable())
}

func TestCutOff(t *testing.T) {
	b := program(t)
	f, err := Parse(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	_, cut := f.CutOff()
	assert.False(t, cut)
	f, err = Parse(bytes.NewReader(b[:len(b)/4]), int64(len(b)/4))
	require.NoError(t, err)
	_, cut = f.CutOff()
	assert.True(t, cut)
}

// Whatever bytes come: no panic, no endless loop, no memory beyond the bounds.
func FuzzELF(f *testing.F) {
	if at, err := os.Executable(); err == nil {
		if b, err := os.ReadFile(at); err == nil && len(b) > 4096 {
			f.Add(b[:4096])
		}
	}
	for _, at := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1"} {
		if b, err := os.ReadFile(at); err == nil {
			f.Add(b)
		}
	}
	f.Add([]byte(Magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		file.CutOff()
		file.Strippable()
		d, err := file.Dynamic()
		if err != nil || d == nil {
			return
		}
		d.Defined(func([]byte, string, bool) {})
		d.Wanted(true)
		d.Wanted(false)
	})
}
