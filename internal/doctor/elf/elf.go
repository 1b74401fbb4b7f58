// Package elf reads of an ELF file what decides whether it can start: program
// headers, the interpreter, the dynamic section, versions and symbols.
//
// It reads by itself, and takes no more than names from debug/elf, for two reasons: section headers may be missing or
// garbage in files that run (the kernel and the loader never read them), and
// the files come from images that nobody has checked, so all that is read is bounded.
package elf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Bounds. The first is the kernel's own: it refuses larger program header tables.
const (
	maxHeaders = 65536
	maxPath    = 4096
)

// File is an ELF file, as the kernel sees it.
type File struct {
	Class   elf.Class
	Order   binary.ByteOrder
	Machine elf.Machine
	Progs   []elf.ProgHeader
	Interp  string // of PT_INTERP; empty where there is none
	r       Reader
	size    uint64
}

// Reader reads a file, and takes from its image's budget the bytes that stay in memory, and time.
type Reader interface {
	io.ReaderAt
	Size() int64
	Keep(n int64) error
	Work(n int64) error
}

// FormatError says why a file is no program for the kernel, which answers ENOEXEC ("exec format error").
type FormatError struct{ Reason string }

func (e *FormatError) Error() string { return e.Reason }

func badf(format string, args ...any) error { return &FormatError{fmt.Sprintf(format, args...)} }

// Parse reads a file's header and program headers, and checks what the kernel's
// load_elf_binary checks (fs/binfmt_elf.c). The error is a *FormatError, or that of reading.
func Parse(r Reader) (*File, error) {
	f := &File{r: r, size: uint64(r.Size()), Order: binary.LittleEndian}
	head, err := f.read(0, 64)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return nil, badf("it does not begin with the ELF magic")
	}
	if len(head) >= 52 {
		if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
			f.Order = binary.BigEndian
		}
		f.Class, f.Machine = elf.Class(head[elf.EI_CLASS]), elf.Machine(f.Order.Uint16(head[18:]))
		// The kernel goes by the machine, not by the class byte.
		switch f.Machine {
		case elf.EM_X86_64:
			if x32 := f.Class == elf.ELFCLASS32 && f.Order.Uint16(head[42:]) == 32; !x32 {
				f.Class = elf.ELFCLASS64
			}
		case elf.EM_AARCH64:
			f.Class = elf.ELFCLASS64
		case elf.EM_386, elf.EM_ARM:
			f.Class = elf.ELFCLASS32
		}
	}
	if len(head) < f.either(64, 52) {
		return nil, badf("its ELF header is cut off after %d bytes", len(head))
	}
	if kind := elf.Type(f.Order.Uint16(head[16:])); kind != elf.ET_EXEC && kind != elf.ET_DYN {
		return nil, badf("its ELF type is %d, neither an executable nor a shared object", kind)
	}
	if err := f.programHeaders(head); err != nil {
		return nil, err
	}
	return f, f.interpreter()
}

// field is a word in a structure, of which the place and the width depend on the class.
func (f *File) field(b []byte, at64, at32 int) uint64 {
	if f.Class == elf.ELFCLASS64 {
		return f.Order.Uint64(b[at64:])
	}
	return uint64(f.Order.Uint32(b[at32:]))
}

// either is one of two, by the class.
func (f *File) either(for64, for32 int) int {
	if f.Class == elf.ELFCLASS64 {
		return for64
	}
	return for32
}

func (f *File) word() int { return f.either(8, 4) }

func (f *File) programHeaders(head []byte) error {
	at, counts := f.field(head, 32, 28), head[f.either(54, 42):]
	width, count, want := int(f.Order.Uint16(counts)), int(f.Order.Uint16(counts[2:])), f.either(56, 32)
	if width != want || count == 0 || width*count > maxHeaders {
		return badf("its program header table makes no sense (%d entries of %d bytes)", count, width)
	}
	table, err := f.whole(at, width*count, "program headers")
	if err != nil {
		return err
	}
	for entry := range slices.Chunk(table, width) {
		f.Progs = append(f.Progs, elf.ProgHeader{Type: elf.ProgType(f.Order.Uint32(entry)),
			Off: f.field(entry, 8, 4), Vaddr: f.field(entry, 16, 8), Filesz: f.field(entry, 32, 16)})
	}
	return f.r.Keep(int64(2 * len(table)))
}

// interpreter reads the first PT_INTERP, under the kernel's conditions.
func (f *File) interpreter() error {
	p := f.first(elf.PT_INTERP)
	if p == nil {
		return nil
	}
	if p.Filesz > maxPath || p.Filesz < 2 {
		return badf("its PT_INTERP is %d bytes long", p.Filesz)
	}
	path, err := f.whole(p.Off, int(p.Filesz), "PT_INTERP")
	if err != nil {
		return err
	}
	if path[len(path)-1] != 0 {
		return badf("its PT_INTERP does not end in a zero byte")
	}
	f.Interp = cString(path)
	return nil
}

// first is the first program header of a type; nil where there is none.
func (f *File) first(kind elf.ProgType) *elf.ProgHeader {
	if i := slices.IndexFunc(f.Progs, func(p elf.ProgHeader) bool { return p.Type == kind }); i >= 0 {
		return &f.Progs[i]
	}
	return nil
}

// CutOff reports whether whole pages of a segment lie beyond the end of the
// file: the kernel maps them, and the process dies of a signal at the first touch.
func (f *File) CutOff() (missing int64, cut bool) {
	const page = 4096
	end := (f.size + page - 1) / page * page
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Filesz == 0 {
			continue
		}
		if last := p.Off + p.Filesz; last < p.Off || last > end {
			missing = max(missing, int64(last-f.size))
			cut = true
		}
	}
	return missing, cut
}

// Loads reports whether anything of the file is mapped at all.
func (f *File) Loads() bool { return f.first(elf.PT_LOAD) != nil }

// whole reads all of a part that must be there.
func (f *File) whole(off uint64, size int, part string) ([]byte, error) {
	b, err := f.read(off, uint64(size))
	if err == nil && len(b) < size {
		err = badf("it is cut off in its %s (%d bytes of at least %d)", part, f.size, off+uint64(size))
	}
	return b, err
}

// read gives up to n bytes at an offset: fewer where the file ends.
func (f *File) read(off, n uint64) ([]byte, error) {
	if off >= f.size {
		return nil, nil
	}
	b := make([]byte, min(n, f.size-off))
	got, err := f.r.ReadAt(b, int64(off))
	if got == len(b) || errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:got], err
}

// at reads up to n bytes at an address, through the PT_LOAD that holds it.
func (f *File) at(address, n uint64) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || address < p.Vaddr || address-p.Vaddr >= p.Filesz {
			continue
		}
		off := p.Off + address - p.Vaddr
		if off >= f.size {
			return nil, errCorrupt
		}
		return f.read(off, min(n, p.Filesz-(address-p.Vaddr)))
	}
	return nil, errCorrupt
}

// exactly reads n bytes at an address.
func (f *File) exactly(address uint64, n int) ([]byte, error) {
	b, err := f.at(address, uint64(n))
	if err == nil && len(b) < n {
		err = errCorrupt
	}
	return b, err
}

// cString is a text up to its zero byte.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
