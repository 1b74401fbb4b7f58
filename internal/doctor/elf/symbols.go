package elf

import "io"

// Symbol is a name that a file defines or wants.
type Symbol struct {
	Name    string
	Version string // empty where the file has none for it
	Library string // where the version is expected, of a wanted one
	Hidden  bool   // a defined one, of a version that is not the default
	Copy    bool   // a wanted one, whose data is copied into the program: it must be another file's
}

// Symbol types and bindings that matter.
const (
	bindLocal = 0
	bindWeak  = 2
	typeTLS   = 6
	sectionNo = 0
	absolute  = 0xfff1
)

// copyRelocation is each machine's R_*_COPY.
var copyRelocation = map[uint16]uint32{
	MX86_64: 5, M386: 5, MAARCH64: 1024, MARM: 20, MPPC64: 19, MS390: 9, MRISCV: 4, MLOONG: 4,
}

// costOfSymbol is what a wanted one takes in memory, beside its name.
const costOfSymbol = 400

// Defined visits the symbols that other files can find in this one. The name is
// good until the visit ends.
func (d *Dynamic) Defined(visit func(name []byte, version string, hidden bool)) error {
	if d.file == nil { // a file without a dynamic section
		return nil
	}
	count, err := d.symbolCount()
	if err != nil || count == 0 {
		return err
	}
	there := func(i int, s rawSymbol) bool {
		return (s.section != sectionNo || s.value != 0) && (s.value != 0 || s.section == absolute || s.kind == typeTLS)
	}
	return d.each(count, there, func(i int, name []byte, index uint16) error {
		if name == nil {
			return nil // longer than any that can be wanted
		}
		visit(name, d.names[index&0x7fff].name, index&0x8000 != 0)
		return nil
	})
}

// Wanted gives the symbols without which the loader gives up at the start:
// undefined, not weak, and relocated at once. Functions are looked up at their
// first call instead (lazily) where lazy is true and the file allows that.
func (d *Dynamic) Wanted(lazy bool) ([]Symbol, error) {
	var wanted indexes // how relocations name a symbol, by its index
	for _, table := range []struct {
		at, size uint64
		addends  bool
		lazily   bool
	}{
		{dtRela, dtRelaSz, true, false},
		{dtRel, dtRelSz, false, false},
		{dtJmpRel, dtPltRelSz, d.tags[dtPltRel] == dtRela, lazy && !d.BindNow},
	} {
		if table.lazily {
			continue
		}
		if err := d.relocated(table.at, table.size, table.addends, &wanted); err != nil {
			return nil, err
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	var all []Symbol
	missing := func(i int, s rawSymbol) bool {
		return wanted[i] != 0 && (s.section == sectionNo || wanted[i] == byCopy) && s.bind != bindWeak
	}
	err := d.each(len(wanted), missing, func(i int, name []byte, index uint16) error {
		if name == nil {
			return ErrTooLarge
		}
		v := d.names[index&0x7fff]
		all = append(all, Symbol{Name: string(name), Version: v.name, Library: v.library, Copy: wanted[i] == byCopy})
		return d.file.keep(costOfSymbol + len(name))
	})
	return all, err
}

type indexes []byte

const (
	byName = 1
	byCopy = 2 // there is a copy relocation
)

// relocated collects the symbol indexes of one table of relocations.
func (d *Dynamic) relocated(tag, sizeTag uint64, addends bool, into *indexes) error {
	at, ok := d.tags[tag]
	if !ok || d.tags[sizeTag] == 0 {
		return nil
	}
	f := d.file
	width := 2 * f.word()
	if addends {
		width += f.word()
	}
	return f.pieces(at, min(d.tags[sizeTag], uint64(maxRelocs*width)), width, func(b []byte) error {
		info := f.field(b, 8, 4)
		index, kind := uint32(info>>32), uint32(info)
		if f.Class != Class64 {
			index, kind = uint32(info>>8), uint32(info&0xff)
		}
		if index >= maxSymbols {
			return errCorrupt
		}
		if index == 0 {
			return nil
		}
		if more := int(index) + 1 - len(*into); more > 0 {
			*into = append(*into, make(indexes, more)...)
		}
		how := byte(byName)
		if kind == copyRelocation[f.Machine] {
			how = byCopy
		}
		(*into)[index] = max((*into)[index], how)
		return nil
	})
}

// pieces reads a table at an address a part at a time, and visits its entries.
func (f *File) pieces(address, size uint64, width int, visit func(entry []byte) error) error {
	step := uint64(width) << 12
	for first := true; size > 0; size, address, first = size-min(size, step), address+step, false {
		b, err := f.at(address, min(size, step))
		if err == errCorrupt && !first {
			return nil // its segment has ended
		}
		if err != nil {
			return err
		}
		if err := f.work(1 + len(b)/width/16); err != nil {
			return err
		}
		short := uint64(len(b)) < min(size, step)
		for ; len(b) >= width; b = b[width:] {
			if err := visit(b); err != nil {
				return err
			}
		}
		if short {
			return nil
		}
	}
	return nil
}

// each visits those of the first symbols that are asked for, have a name and are not
// the file's own, with their index in the versions. A nil name is too long for one.
func (d *Dynamic) each(count int, asked func(i int, s rawSymbol) bool, visit func(i int, name []byte, version uint16) error) (err error) {
	if d.strings, err = d.file.at(d.tags[dtStrTab], min(d.tags[dtStrSz], maxStrings)); err != nil {
		return err
	}
	defer func() { d.strings = nil }()
	versions, err := d.versym(count)
	if err != nil {
		return err
	}
	width, i := d.file.either(24, 16), -1
	return d.file.pieces(d.tags[dtSymTab], uint64(count*width), width, func(b []byte) error {
		i++
		s := d.file.symbol(b)
		if i == 0 || s.bind == bindLocal || !asked(i, s) {
			return nil
		}
		name, err := d.text(uint64(s.name), maxSymbolName)
		switch {
		case err == errNoName || err == nil && len(name) == 0:
			return nil
		case err != nil && err != errLongName:
			return err
		}
		var version uint16
		if i < len(versions) {
			version = versions[i]
		}
		return visit(i, name, version)
	})
}

type rawSymbol struct {
	name       uint32
	bind, kind byte
	section    uint16
	value      uint64
}

func (f *File) symbol(b []byte) rawSymbol {
	rest := b[f.either(4, 12):]
	return rawSymbol{name: f.Order.Uint32(b), bind: rest[0] >> 4, kind: rest[0] & 0xf,
		section: f.Order.Uint16(rest[2:]), value: f.field(b, 8, 4)}
}

// symbolCount comes from the hash tables: nothing else says how many there are.
func (d *Dynamic) symbolCount() (int, error) {
	f, o := d.file, d.file.Order
	if at, ok := d.tags[dtHash]; ok {
		head, err := f.at(at, 8)
		if err != nil || len(head) < 8 {
			return 0, corrupt(err)
		}
		return min(int(o.Uint32(head[4:])), maxSymbols), nil
	}
	at, ok := d.tags[dtGnuHash]
	if !ok {
		return 0, nil
	}
	head, err := f.at(at, 16)
	if err != nil || len(head) < 16 {
		return 0, corrupt(err)
	}
	buckets, first, bloom := uint64(o.Uint32(head)), o.Uint32(head[4:]), uint64(o.Uint32(head[8:]))
	if buckets > maxSymbols {
		return 0, errCorrupt
	}
	at += 16 + bloom*uint64(f.word())
	last := uint32(0)
	if err := f.pieces(at, 4*buckets, 4, func(bucket []byte) error { last = max(last, o.Uint32(bucket)); return nil }); err != nil {
		return 0, err
	}
	switch {
	case last < first:
		return int(min(first, maxSymbols)), nil
	case last >= maxSymbols:
		return 0, errCorrupt
	}
	// The last chain ends at the entry whose lowest bit is set.
	err = f.pieces(at+4*buckets+4*uint64(last-first), 4*uint64(maxSymbols-last), 4, func(entry []byte) error {
		if last++; o.Uint32(entry)&1 != 0 {
			return io.EOF
		}
		return nil
	})
	if err == io.EOF {
		return int(last), nil
	}
	return 0, corrupt(err)
}

func (d *Dynamic) versym(count int) ([]uint16, error) {
	at, ok := d.tags[dtVersym]
	if !ok || count == 0 {
		return nil, nil
	}
	raw, err := d.file.at(at, 2*uint64(count))
	if err != nil {
		return nil, err
	}
	all := make([]uint16, len(raw)/2)
	for i := range all {
		all[i] = d.file.Order.Uint16(raw[2*i:])
	}
	return all, nil
}
