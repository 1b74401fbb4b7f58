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

// Prog is a program header.
type Prog struct {
	Type, Flags                            uint32
	Offset, Vaddr, FileSize, MemSize, Aign uint64
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
	var phoff uint64
	var phentsize, phnum uint16
	if f.Class == Class64 {
		if n < 64 {
			return nil, badf("its ELF header is cut off after %d bytes", n)
		}
		phoff, phentsize, phnum = f.Order.Uint64(head[32:]), f.Order.Uint16(head[54:]), f.Order.Uint16(head[56:])
	} else {
		phoff, phentsize, phnum = uint64(f.Order.Uint32(head[28:])), f.Order.Uint16(head[42:]), f.Order.Uint16(head[44:])
	}
	if err := f.programHeaders(phoff, phentsize, phnum); err != nil {
		return nil, err
	}
	return f, f.interpreter()
}

func (f *File) programHeaders(phoff uint64, phentsize, phnum uint16) error {
	want := uint16(56)
	if f.Class != Class64 {
		want = 32
	}
	total := int(want) * int(phnum)
	if phentsize != want || phnum == 0 || total > maxHeaders {
		return badf("its program header table makes no sense (%d entries of %d bytes)", phnum, phentsize)
	}
	table := make([]byte, total)
	if phoff > uint64(f.size) {
		return badf("it is cut off before its program headers (%d bytes of at least %d)", f.size, phoff+uint64(total))
	}
	n, err := readAt(f.r, table, int64(phoff), f.size)
	if err != nil {
		return err
	}
	if n < total {
		return badf("it is cut off in its program headers (%d bytes of at least %d)", f.size, phoff+uint64(total))
	}
	if err := f.keep(total); err != nil {
		return err
	}
	for ; len(table) > 0; table = table[want:] {
		o := f.Order
		p := Prog{Type: o.Uint32(table)}
		if f.Class == Class64 {
			p.Flags = o.Uint32(table[4:])
			p.Offset, p.Vaddr, p.FileSize = o.Uint64(table[8:]), o.Uint64(table[16:]), o.Uint64(table[32:])
			p.MemSize, p.Aign = o.Uint64(table[40:]), o.Uint64(table[48:])
		} else {
			p.Offset, p.Vaddr, p.FileSize = uint64(o.Uint32(table[4:])), uint64(o.Uint32(table[8:])), uint64(o.Uint32(table[16:]))
			p.MemSize, p.Flags, p.Aign = uint64(o.Uint32(table[20:])), o.Uint32(table[24:]), uint64(o.Uint32(table[28:]))
		}
		f.Progs = append(f.Progs, p)
	}
	return nil
}

// interpreter reads the first PT_INTERP, under the kernel's conditions.
func (f *File) interpreter() error {
	for _, p := range f.Progs {
		if p.Type != PtInterp {
			continue
		}
		if p.FileSize > maxPath || p.FileSize < 2 {
			return badf("its PT_INTERP is %d bytes long", p.FileSize)
		}
		path := make([]byte, p.FileSize)
		if p.Offset > uint64(f.size) {
			return badf("it is cut off before its PT_INTERP")
		}
		n, err := readAt(f.r, path, int64(p.Offset), f.size)
		if err != nil {
			return err
		}
		if n < len(path) {
			return badf("it is cut off in its PT_INTERP")
		}
		if path[len(path)-1] != 0 {
			return badf("its PT_INTERP does not end in a zero byte")
		}
		f.Interp = string(path[:bytes.IndexByte(path, 0)])
		return nil
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
func (f *File) Loads() bool {
	for _, p := range f.Progs {
		if p.Type == PtLoad {
			return true
		}
	}
	return false
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
