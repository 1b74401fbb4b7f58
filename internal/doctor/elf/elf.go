// Package elf reads of an ELF file what decides whether it can start: program
// headers, the interpreter, the dynamic section, versions and symbols.
//
// It is not debug/elf for two reasons: section headers may be missing or
// garbage in files that run (the kernel and the loader never read them), and
// the files come from images that nobody has checked, so all that is read is bounded.
package elf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Machines (e_machine) that images are built for.
const (
	M386     = 3
	MMIPS    = 8
	MPPC64   = 21
	MS390    = 22
	MARM     = 40
	MX86_64  = 62
	MAARCH64 = 183
	MRISCV   = 243
	MLOONG   = 258
)

// File types (e_type).
const (
	TypeRel  = 1
	TypeExec = 2
	TypeDyn  = 3
)

// Classes.
const (
	Class32 = 1
	Class64 = 2
)

// Program header types.
const (
	PtLoad    = 1
	PtDynamic = 2
	PtInterp  = 3
)

// Bounds. The first is the kernel's own: it refuses larger program header tables.
const (
	maxHeaders = 65536
	maxPath    = 4096
)

// File is an ELF file, as the kernel sees it.
type File struct {
	Class   byte
	Order   binary.ByteOrder
	Type    uint16
	Machine uint16
	Progs   []Prog
	Interp  string // of PT_INTERP; empty where there is none
	r       io.ReaderAt
	size    int64
}

// Prog is what matters of a program header.
type Prog struct {
	Type                    uint32
	Offset, Vaddr, FileSize uint64
}

// budget is what a reader may bring along: who reads for one image takes from it
// the bytes that it keeps, and its time. Without one, the bounds of a file hold alone.
type budget interface {
	Keep(n int64) error
	Work(n int64) error
}

func (f *File) keep(n int) error {
	if b, ok := f.r.(budget); ok {
		return b.Keep(int64(n))
	}
	return nil
}

func (f *File) work(n int) error {
	if b, ok := f.r.(budget); ok {
		return b.Work(int64(n))
	}
	return nil
}

// FormatError says why a file is no program for the kernel, which answers ENOEXEC ("exec format error").
type FormatError struct{ Reason string }

func (e *FormatError) Error() string { return e.Reason }

func badf(format string, args ...any) error { return &FormatError{fmt.Sprintf(format, args...)} }

// Magic are the first bytes of every ELF file.
const Magic = "\x7fELF"

// Parse reads a file's header and program headers, and checks what the kernel's
// load_elf_binary checks (fs/binfmt_elf.c). The error is a *FormatError, or that of reading.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, 64)
	n, err := readAt(r, head, 0, size)
	if err != nil {
		return nil, err
	}
	head = head[:n]
	if !bytes.HasPrefix(head, []byte(Magic)) {
		return nil, badf("it does not begin with the ELF magic")
	}
	if n < 52 {
		return nil, badf("its ELF header is cut off after %d bytes", n)
	}
	f := &File{Class: head[4], Order: binary.LittleEndian, r: r, size: size}
	if head[5] == 2 {
		f.Order = binary.BigEndian
	}
	f.Type, f.Machine = f.Order.Uint16(head[16:]), f.Order.Uint16(head[18:])
	// The kernel goes by the machine, not by the class byte.
	switch f.Machine {
	case MX86_64:
		if f.Class == Class32 && f.Order.Uint16(head[42:]) == 32 {
			break // x32
		}
		f.Class = Class64
	case MAARCH64:
		f.Class = Class64
	case M386, MARM:
		f.Class = Class32
	}
	if f.Type != TypeExec && f.Type != TypeDyn {
		return nil, badf("its ELF type is %d, neither an executable nor a shared object", f.Type)
	}
	if f.Class == Class64 && n < 64 {
		return nil, badf("its ELF header is cut off after %d bytes", n)
	}
	if err := f.programHeaders(head); err != nil {
		return nil, err
	}
	return f, f.interpreter()
}

// field is a word in a structure, of which the place and the width depend on the class.
func (f *File) field(b []byte, at64, at32 int) uint64 {
	if f.Class == Class64 {
		return f.Order.Uint64(b[at64:])
	}
	return uint64(f.Order.Uint32(b[at32:]))
}

// either is one of two, by the class.
func (f *File) either(for64, for32 int) int {
	if f.Class == Class64 {
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
	if err := f.keep(len(table)); err != nil {
		return err
	}
	for ; len(table) > 0; table = table[width:] {
		f.Progs = append(f.Progs, Prog{Type: f.Order.Uint32(table),
			Offset: f.field(table, 8, 4), Vaddr: f.field(table, 16, 8), FileSize: f.field(table, 32, 16)})
	}
	return nil
}

// interpreter reads the first PT_INTERP, under the kernel's conditions.
func (f *File) interpreter() error {
	p := f.first(PtInterp)
	if p == nil {
		return nil
	}
	if p.FileSize > maxPath || p.FileSize < 2 {
		return badf("its PT_INTERP is %d bytes long", p.FileSize)
	}
	path, err := f.whole(p.Offset, int(p.FileSize), "PT_INTERP")
	if err != nil {
		return err
	}
	if path[len(path)-1] != 0 {
		return badf("its PT_INTERP does not end in a zero byte")
	}
	f.Interp = cString(path, 0)
	return nil
}

// first is the first program header of a type; nil where there is none.
func (f *File) first(kind uint32) *Prog {
	for i := range f.Progs {
		if f.Progs[i].Type == kind {
			return &f.Progs[i]
		}
	}
	return nil
}

// CutOff reports whether whole pages of a segment lie beyond the end of the
// file: the kernel maps them, and the process dies of a signal at the first touch.
func (f *File) CutOff() (missing int64, cut bool) {
	const page = 4096
	end := (uint64(f.size) + page - 1) / page * page
	for _, p := range f.Progs {
		if p.Type != PtLoad || p.FileSize == 0 {
			continue
		}
		if last := p.Offset + p.FileSize; last < p.Offset || last > end {
			missing = max(missing, int64(last-uint64(f.size)))
			cut = true
		}
	}
	return missing, cut
}

// Loads reports whether anything of the file is mapped at all.
func (f *File) Loads() bool { return f.first(PtLoad) != nil }

// whole reads all of a part that must be there.
func (f *File) whole(off uint64, size int, part string) ([]byte, error) {
	b := make([]byte, size)
	n, err := readAt(f.r, b, int64(off), f.size)
	if err == nil && n < size {
		err = badf("it is cut off in its %s (%d bytes of at least %d)", part, f.size, off+uint64(size))
	}
	return b, err
}

// readAt reads as much of p as the file has at an offset; less is no error.
func readAt(r io.ReaderAt, p []byte, off, size int64) (int, error) {
	if off < 0 || off >= size {
		return 0, nil
	}
	if int64(len(p)) > size-off {
		p = p[:size-off]
	}
	n, err := r.ReadAt(p, off)
	if n == len(p) || errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// CacheOrder is the byte order of a machine's /etc/ld.so.cache.
func CacheOrder(machine uint16) binary.ByteOrder {
	if machine == MS390 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// CacheFlags are the flags of the entries of /etc/ld.so.cache that a machine's
// loader takes (glibc's _DL_CACHE_DEFAULT_ID in sysdeps/*/dl-cache.h).
func CacheFlags(machine uint16, class byte) (flags uint32, known bool) {
	switch machine {
	case MX86_64:
		return 0x0303, class == Class64
	case MAARCH64:
		return 0x0a03, true
	case M386:
		return 0x0003, true
	}
	return 0, false
}
