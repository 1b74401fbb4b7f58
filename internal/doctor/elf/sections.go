package elf

import (
	"debug/elf"
	"slices"
	"strings"
)

// maxSectionNames bounds the sections times the bytes of their names. Linkers
// write some forty sections and a thousand bytes.
const maxSectionNames = 16 << 20

type section struct {
	name, kind         uint32
	flags, offset, end uint64
}

// sections gives the section table, its names and where it ends, if there is one; ok is false where they
// make no sense, or are such as no linker writes: who goes through them
// would be long about it (debug/elf, for one, copies every name).
func (f *File) sections() (all []section, names []byte, end uint64, ok bool) {
	head, err := f.read(0, 64)
	if err != nil || elf.Class(head[elf.EI_CLASS]) != f.Class {
		return nil, nil, 0, false
	}
	offset, counts := f.field(head, 40, 32), head[f.either(58, 46):]
	width, count, at := int(f.Order.Uint16(counts)), int(f.Order.Uint16(counts[2:])), int(f.Order.Uint16(counts[4:]))
	if offset == 0 && count == 0 {
		return nil, nil, 0, true
	}
	table, err := f.read(offset, uint64(width*count))
	if width != f.either(64, 40) || at >= count || err != nil || len(table) < width*count {
		return nil, nil, 0, false
	}
	for entry := range slices.Chunk(table, width) {
		from := f.field(entry, 24, 16)
		all = append(all, section{name: f.Order.Uint32(entry), kind: f.Order.Uint32(entry[4:]),
			flags: f.field(entry, 8, 8), offset: from, end: from + f.field(entry, 32, 20)})
	}
	s := all[at]
	if s.offset >= f.size || s.end-s.offset > maxSectionNames/uint64(count) || elf.SectionFlag(s.flags)&elf.SHF_COMPRESSED != 0 {
		return nil, nil, 0, false
	}
	names, err = f.read(s.offset, s.end-s.offset)
	return all, names, offset + uint64(len(table)), err == nil
}

// Ordinary reports whether the section table is one that a linker writes, or none.
func (f *File) Ordinary() bool {
	_, _, _, ok := f.sections()
	return ok
}

// Strippable is the number of bytes that `strip` takes away: symbol tables and
// debugging information. Zero where the section table is missing or makes no sense.
func (f *File) Strippable() int64 {
	all, names, end, _ := f.sections()
	var total uint64
	for _, s := range all {
		name, kind := "", elf.SectionType(s.kind)
		if int64(s.name) < int64(len(names)) {
			name = cString(names[s.name:])
		}
		if kind == elf.SHT_NOBITS {
			continue
		}
		end = max(end, s.end)
		wanted := kind == elf.SHT_SYMTAB || name == ".strtab" || strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_")
		if size := s.end - s.offset; wanted && size <= f.size {
			total += size
		}
	}
	if total > f.size || end+64<<10 < f.size { // or behind it is what strip would take away, an archive for one
		return 0
	}
	return int64(total)
}
