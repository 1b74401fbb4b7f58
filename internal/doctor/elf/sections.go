package elf

import (
	"bytes"
	"strings"
)

// maxSectionNames bounds the sections times the bytes of their names. Linkers
// write some forty sections and a thousand bytes.
const maxSectionNames = 16 << 20

// sections gives the section table, its names and where it ends, if there is one; ok is false where they
// make no sense, or are such as no linker writes: who goes through them
// would be long about it (debug/elf, for one, copies every name).
func (f *File) sections() (table, names []byte, end uint64, ok bool) {
	head := make([]byte, 64)
	if n, err := readAt(f.r, head, 0, f.size); err != nil || n < 52 || head[4] != f.Class {
		return nil, nil, 0, false
	}
	offset, counts := f.field(head, 40, 32), head[f.either(58, 46):]
	width, count, at := int(f.Order.Uint16(counts)), int(f.Order.Uint16(counts[2:])), int(f.Order.Uint16(counts[4:]))
	if offset == 0 && count == 0 {
		return nil, nil, 0, true
	}
	if width != f.either(64, 40) || at >= count || offset >= uint64(f.size) {
		return nil, nil, 0, false
	}
	table = make([]byte, width*count)
	if n, err := readAt(f.r, table, int64(offset), f.size); err != nil || n < len(table) {
		return nil, nil, 0, false
	}
	const compressed = 0x800 // SHF_COMPRESSED
	size, from := f.section(table, at, 32, 20), f.section(table, at, 24, 16)
	if from >= uint64(f.size) || size > maxSectionNames/uint64(count) || f.section(table, at, 8, 8)&compressed != 0 {
		return nil, nil, 0, false
	}
	names = make([]byte, size)
	n, err := readAt(f.r, names, int64(from), f.size)
	return table, names[:n], offset + uint64(len(table)), err == nil
}

// section reads a field of a section header, which has its place by the class.
func (f *File) section(table []byte, i, at64, at32 int) uint64 {
	return f.field(table[i*f.either(64, 40):], at64, at32)
}

// Ordinary reports whether the section table is one that a linker writes, or none.
func (f *File) Ordinary() bool {
	_, _, _, ok := f.sections()
	return ok
}

// Strippable is the number of bytes that `strip` takes away: symbol tables and
// debugging information. Zero where the section table is missing or makes no sense.
func (f *File) Strippable() int64 {
	table, names, end, ok := f.sections()
	if !ok {
		return 0
	}
	width := f.either(64, 40)
	const symbols, nothing = 2, 8 // SHT_SYMTAB, SHT_NOBITS
	var total uint64
	for i := range len(table) / width {
		kind := f.Order.Uint32(table[i*width+4:])
		if kind != nothing {
			end = max(end, f.section(table, i, 24, 16)+f.section(table, i, 32, 20))
		}
		name := cString(names, uint64(f.Order.Uint32(table[i*width:])))
		debug := strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_")
		size, wanted := f.section(table, i, 32, 20), kind == symbols || debug || name == ".strtab"
		if kind != nothing && size <= uint64(f.size) && wanted {
			total += size
		}
	}
	if total > uint64(f.size) || end+64<<10 < uint64(f.size) { // or behind it is what strip would take away, an archive for one
		return 0
	}
	return int64(total)
}

// cString is the text at an offset, up to its zero byte.
func cString(b []byte, at uint64) string {
	if at >= uint64(len(b)) {
		return ""
	}
	b = b[at:]
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}
