package elf

import "strings"

// Strippable is the number of bytes that `strip` takes away: symbol tables and
// debugging information. Zero where the section table is missing or makes no sense.
func (f *File) Strippable() int64 {
	head := make([]byte, 64)
	if n, err := readAt(f.r, head, 0, f.size); err != nil || n < 52 {
		return 0
	}
	var offset uint64
	var width, count, names int
	o := f.Order
	if f.Class == Class64 {
		offset, width, count, names = o.Uint64(head[40:]), int(o.Uint16(head[58:])), int(o.Uint16(head[60:])), int(o.Uint16(head[62:]))
	} else {
		offset, width, count, names = uint64(o.Uint32(head[32:])), int(o.Uint16(head[46:])), int(o.Uint16(head[48:])), int(o.Uint16(head[50:]))
	}
	want := 64
	if f.Class != Class64 {
		want = 40
	}
	if width != want || names >= count || offset >= uint64(f.size) {
		return 0
	}
	table := make([]byte, width*count)
	if n, err := readAt(f.r, table, int64(offset), f.size); err != nil || n < len(table) {
		return 0
	}
	field := func(i, at64, at32 int) uint64 {
		if f.Class == Class64 {
			return o.Uint64(table[i*width+at64:])
		}
		return uint64(o.Uint32(table[i*width+at32:]))
	}
	text := make([]byte, min(field(names, 32, 20), 1<<20))
	at := field(names, 24, 16)
	if at >= uint64(f.size) {
		return 0
	}
	n, err := readAt(f.r, text, int64(at), f.size)
	if err != nil {
		return 0
	}
	text = text[:n]
	const symbols, nothing = 2, 8 // SHT_SYMTAB, SHT_NOBITS
	var total uint64
	end := offset + uint64(len(table))
	for i := range count {
		kind := o.Uint32(table[i*width+4:])
		if kind != nothing {
			end = max(end, field(i, 24, 16)+field(i, 32, 20))
		}
		name := cString(text, uint64(o.Uint32(table[i*width:])))
		debug := strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_")
		if size := field(i, 32, 20); kind != nothing && size <= uint64(f.size) && (kind == symbols || debug || name == ".strtab") {
			total += size
		}
	}
	if total > uint64(f.size) || end+64<<10 < uint64(f.size) { // or behind it is what strip would take away, an archive for one
		return 0
	}
	return int64(total)
}
