package elf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// free is a file that no budget bounds: its own bounds hold alone.
type free struct{ *bytes.Reader }

func (free) Keep(int64) error { return nil }
func (free) Work(int64) error { return nil }

func read(b []byte) Reader { return free{bytes.NewReader(b)} }

// program is the test's own binary, or nil where it is no ELF file.
func program(t testing.TB) []byte {
	at, err := os.Executable()
	require.NoError(t, err)
	b, err := os.ReadFile(at)
	require.NoError(t, err)
	if !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
		t.Skip("this system's programs are not ELF")
	}
	return b
}

// Section headers are for linkers and debuggers: what runs may lack them.
func TestSectionHeadersAreNotNeeded(t *testing.T) {
	b := program(t)
	whole, err := Parse(read(b))
	require.NoError(t, err)
	for i := 40; i < 48; i++ {
		b[i] = 0xff // e_shoff
	}
	f, err := Parse(read(b))
	require.NoError(t, err)
	assert.Equal(t, whole.Interp, f.Interp)
	assert.Equal(t, whole.Progs, f.Progs)
	assert.Zero(t, f.Strippable())
}

func TestCutOff(t *testing.T) {
	b := program(t)
	f, err := Parse(read(b))
	require.NoError(t, err)
	_, cut := f.CutOff()
	assert.False(t, cut)
	f, err = Parse(read(b[:len(b)/4]))
	require.NoError(t, err)
	_, cut = f.CutOff()
	assert.True(t, cut)
}

// Section names of megabytes, times thousands of sections, are for nobody to copy.
func TestSectionTablesThatNoLinkerWrites(t *testing.T) {
	b := program(t)
	whole, err := Parse(read(b))
	require.NoError(t, err)
	assert.True(t, whole.Ordinary())
	const count = 20_000
	table, order := make([]byte, 64*count), whole.Order
	if whole.Class != elf.ELFCLASS64 {
		t.Skip("for 64 bits")
	}
	for name, size := range map[string]int{"long": 1 << 20, "short": 100} {
		order.PutUint64(table[24:], uint64(len(b)+len(table))) // the names' place
		order.PutUint64(table[32:], uint64(size))
		order.PutUint64(b[40:], uint64(len(b)))
		order.PutUint16(b[60:], count)
		order.PutUint16(b[62:], 0)
		all := append(append(bytes.Clone(b), table...), bytes.Repeat([]byte("n"), size)...)
		f, err := Parse(read(all))
		require.NoError(t, err)
		assert.Equal(t, name == "short", f.Ordinary(), name)
		all[len(b)+9] |= 8 // SHF_COMPRESSED
		assert.False(t, f.Ordinary(), "packed names")
	}
}

// Of a dynamic section, what the loader reads is kept; not thousands of tags more.
func TestJunkTagsAreNotKept(t *testing.T) {
	for _, at := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1"} {
		b, err := os.ReadFile(at)
		if err != nil {
			continue
		}
		f, err := Parse(read(b))
		require.NoError(t, err)
		whole, err := f.Dynamic()
		require.NoError(t, err)
		for i, p := range f.Progs {
			if p.Type == elf.PT_DYNAMIC {
				old := bytes.Clone(b[p.Off : p.Off+p.Filesz])
				f.Progs[i].Off, f.Progs[i].Filesz = uint64(len(b)), uint64(len(old)+16*30_000)
				for j := range uint64(30_000) {
					b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, 0x60000000+j), j)
				}
				b = append(b, old...)
			}
		}
		f.r, f.size = read(b), uint64(len(b))
		d, err := f.Dynamic()
		require.NoError(t, err)
		assert.Equal(t, whole.tags, d.tags)
		return
	}
	t.Skip("no loader here")
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
	f.Add([]byte(elf.ELFMAG))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(read(b))
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
