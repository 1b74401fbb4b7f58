package elf

import (
	"debug/elf"
	"io"
)

// Symbol is a name that a file defines or wants.
type Symbol struct {
	Name    string
	Version string // empty where the file has none for it
	Library string // where the version is expected, of a wanted one
	Copy    bool   // a wanted one, whose data is copied into the program: it must be another file's
}

// copyRelocation is each machine's R_*_COPY.
var copyRelocation = map[elf.Machine]uint32{
	elf.EM_X86_64: 5, elf.EM_386: 5, elf.EM_AARCH64: 1024, elf.EM_ARM: 20, elf.EM_PPC64: 19, elf.EM_S390: 9, elf.EM_RISCV: 4,
	elf.EM_LOONGARCH: 4,
}

// costOfSymbol is what a wanted one takes in memory, beside its name.
const costOfSymbol = 400

// Defined visits the symbols that other files can find in this one; a hidden one is of a version that is not
// the default. The name is good until the visit ends.
func (d *Dynamic) Defined(visit func(name []byte, version string, hidden bool)) error {
	if d.file == nil { // a file without a dynamic section
		return nil
	}
	count, err := d.symbolCount()
	if err != nil || count == 0 {
		return err
	}
	there := func(_ int, s elf.Sym64) bool {
		section := elf.SectionIndex(s.Shndx)
		return s.Value != 0 || section == elf.SHN_ABS || section != elf.SHN_UNDEF && elf.ST_TYPE(s.Info) == elf.STT_TLS
	}
	return d.each(count, there, func(_ int, name []byte, index uint16) error {
		if name != nil { // a longer one than any can be wanted
			visit(name, d.names[index&0x7fff].Version, index&0x8000 != 0)
		}
		return nil
	})
}

// How relocations name a symbol.
const (
	byName = 1
	byCopy = 2 // there is a copy relocation
)

// Wanted gives the symbols without which the loader gives up at the start:
// undefined, not weak, and relocated at once. Functions are looked up at their
// first call instead (lazily) where lazy is true and the file allows that.
func (d *Dynamic) Wanted(lazy bool) (all []Symbol, err error) {
	var wanted []byte // how, by the symbol's index
	for _, table := range []struct {
		at, size elf.DynTag
		addends  bool
		lazily   bool
	}{
		{elf.DT_RELA, elf.DT_RELASZ, true, false},
		{elf.DT_REL, elf.DT_RELSZ, false, false},
		{elf.DT_JMPREL, elf.DT_PLTRELSZ, d.tags[elf.DT_PLTREL] == uint64(elf.DT_RELA), lazy && !d.BindNow},
	} {
		if !d.has(table.at) || table.lazily {
			continue
		}
		if wanted, err = d.relocated(d.tags[table.at], d.tags[table.size], table.addends, wanted); err != nil {
			return nil, err
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	missing := func(i int, s elf.Sym64) bool {
		undefined := elf.SectionIndex(s.Shndx) == elf.SHN_UNDEF
		return wanted[i] != 0 && (undefined || wanted[i] == byCopy) && elf.ST_BIND(s.Info) != elf.STB_WEAK
	}
	err = d.each(len(wanted), missing, func(i int, name []byte, index uint16) error {
		if name == nil {
			return ErrTooLarge
		}
		s := d.names[index&0x7fff]
		s.Name, s.Copy = string(name), wanted[i] == byCopy
		all = append(all, s)
		return d.file.r.Keep(int64(costOfSymbol + len(name)))
	})
	return all, err
}

// relocated adds the symbol indexes of one table of relocations.
func (d *Dynamic) relocated(at, size uint64, addends bool, wanted []byte) ([]byte, error) {
	f := d.file
	width := 2 * f.word()
	if addends {
		width += f.word()
	}
	err := f.pieces(at, min(size, uint64(maxRelocs*width)), width, func(b []byte) error {
		info := f.field(b, 8, 4)
		index, kind := info>>32, uint32(info)
		if f.Class != elf.ELFCLASS64 {
			index, kind = info>>8, uint32(info&0xff)
		}
		if index >= maxSymbols {
			return errCorrupt
		}
		if index == 0 {
			return nil
		}
		if more := int(index) + 1 - len(wanted); more > 0 {
			wanted = append(wanted, make([]byte, more)...)
		}
		how := byte(byName)
		if kind == copyRelocation[f.Machine] {
			how = byCopy
		}
		wanted[index] = max(wanted[index], how)
		return nil
	})
	return wanted, err
}

// each visits those of the first symbols that are asked for, have a name and are not
// the file's own, with their index in the versions. A nil name is too long for one.
func (d *Dynamic) each(count int, asked func(i int, s elf.Sym64) bool, visit func(i int, name []byte, version uint16) error) (err error) {
	f := d.file
	if d.strings, err = f.at(d.tags[elf.DT_STRTAB], min(d.tags[elf.DT_STRSZ], maxStrings)); err != nil {
		return err
	}
	defer func() { d.strings = nil }()
	var versions []byte
	if d.HasVersym {
		if versions, err = f.at(d.tags[elf.DT_VERSYM], 2*uint64(count)); err != nil {
			return err
		}
	}
	width, i := f.either(24, 16), -1
	return f.pieces(d.tags[elf.DT_SYMTAB], uint64(count*width), width, func(b []byte) error {
		i++
		rest := b[f.either(4, 12):]
		s := elf.Sym64{Name: f.Order.Uint32(b), Info: rest[0], Shndx: f.Order.Uint16(rest[2:]), Value: f.field(b, 8, 4)}
		if i == 0 || elf.ST_BIND(s.Info) == elf.STB_LOCAL || !asked(i, s) {
			return nil
		}
		name, err := d.text(uint64(s.Name), maxSymbolName)
		switch {
		case err == errNoName || err == nil && len(name) == 0:
			return nil
		case err != nil && err != errLongName:
			return err
		}
		var version uint16
		if 2*i+1 < len(versions) {
			version = f.Order.Uint16(versions[2*i:])
		}
		return visit(i, name, version)
	})
}

// symbolCount comes from the hash tables: nothing else says how many there are.
func (d *Dynamic) symbolCount() (int, error) {
	f, o := d.file, d.file.Order
	if d.has(elf.DT_HASH) {
		head, err := f.exactly(d.tags[elf.DT_HASH], 8)
		if err != nil {
			return 0, err
		}
		return min(int(o.Uint32(head[4:])), maxSymbols), nil
	}
	if !d.has(elf.DT_GNU_HASH) {
		return 0, nil
	}
	at := d.tags[elf.DT_GNU_HASH]
	head, err := f.exactly(at, 16)
	if err != nil {
		return 0, err
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
	switch err {
	case io.EOF:
		return int(last), nil
	case nil:
		err = errCorrupt
	}
	return 0, err
}
