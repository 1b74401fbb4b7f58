package elf

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

// Defined gives the symbols that other files can find in this one.
func (d *Dynamic) Defined() ([]Symbol, error) {
	table, err := d.symbols()
	if err != nil {
		return nil, err
	}
	versions, err := d.versym(table.count)
	if err != nil {
		return nil, err
	}
	var all []Symbol
	for i := range table.count {
		s := table.get(i)
		if i == 0 || s.bind == bindLocal || s.section == sectionNo && s.value == 0 {
			continue
		}
		if s.value == 0 && s.section != absolute && s.kind != typeTLS {
			continue
		}
		name, ok := d.text(uint64(s.name))
		if !ok || name == "" {
			continue
		}
		sym := Symbol{Name: name}
		if i < len(versions) {
			sym.Version = d.names[versions[i]&0x7fff].name
			sym.Hidden = versions[i]&0x8000 != 0
		}
		all = append(all, sym)
	}
	return all, nil
}

// Wanted gives the symbols without which the loader gives up at the start:
// undefined, not weak, and relocated at once. Functions are looked up at their
// first call instead (lazily) where lazy is true and the file allows that.
func (d *Dynamic) Wanted(lazy bool) ([]Symbol, error) {
	indexes := map[uint32]bool{} // true: by a copy relocation
	if err := d.relocated(dtRela, dtRelaSz, true, indexes); err != nil {
		return nil, err
	}
	if err := d.relocated(dtRel, dtRelSz, false, indexes); err != nil {
		return nil, err
	}
	if !lazy || d.BindNow {
		if err := d.relocated(dtJmpRel, dtPltRelSz, d.tags[dtPltRel] == dtRela, indexes); err != nil {
			return nil, err
		}
	}
	if len(indexes) == 0 {
		return nil, nil
	}
	highest := 0
	for i := range indexes {
		highest = max(highest, int(i))
	}
	if highest >= maxSymbols {
		return nil, errCorrupt
	}
	table, err := d.symbolTable(highest + 1)
	if err != nil {
		return nil, err
	}
	versions, err := d.versym(highest + 1)
	if err != nil {
		return nil, err
	}
	var all []Symbol
	for i := 1; i < table.count; i++ {
		copied, wanted := indexes[uint32(i)]
		if !wanted {
			continue
		}
		s := table.get(i)
		if s.section != sectionNo && !copied || s.bind == bindWeak || s.bind == bindLocal {
			continue
		}
		name, ok := d.text(uint64(s.name))
		if !ok || name == "" {
			continue
		}
		sym := Symbol{Name: name, Copy: copied}
		if i < len(versions) {
			v := d.names[versions[i]&0x7fff]
			sym.Version, sym.Library = v.name, v.library
		}
		all = append(all, sym)
	}
	return all, nil
}

// relocated collects the symbol indexes of one table of relocations.
func (d *Dynamic) relocated(tag, sizeTag uint64, addends bool, into map[uint32]bool) error {
	at, ok := d.tags[tag]
	if !ok || d.tags[sizeTag] == 0 {
		return nil
	}
	f := d.file
	width := 2 * f.word()
	if addends {
		width = 3 * f.word()
	}
	raw, err := f.at(at, min(d.tags[sizeTag], uint64(maxRelocs*width)))
	if err != nil {
		return err
	}
	for ; len(raw) >= width; raw = raw[width:] {
		info := f.uint(raw[f.word():])
		index, kind := uint32(info>>32), uint32(info)
		if f.Class != Class64 {
			index, kind = uint32(info>>8), uint32(info&0xff)
		}
		if index != 0 {
			into[index] = into[index] || kind == copyRelocation[f.Machine]
		}
	}
	return nil
}

type symbolTable struct {
	raw   []byte
	count int
	file  *File
}

type rawSymbol struct {
	name       uint32
	bind, kind byte
	section    uint16
	value      uint64
}

func (t *symbolTable) width() int {
	if t.file.Class == Class64 {
		return 24
	}
	return 16
}

func (t *symbolTable) get(i int) rawSymbol {
	b, o := t.raw[i*t.width():], t.file.Order
	s := rawSymbol{name: o.Uint32(b)}
	var info byte
	if t.file.Class == Class64 {
		info, s.section, s.value = b[4], o.Uint16(b[6:]), o.Uint64(b[8:])
	} else {
		info, s.section, s.value = b[12], o.Uint16(b[14:]), uint64(o.Uint32(b[4:]))
	}
	s.bind, s.kind = info>>4, info&0xf
	return s
}

func (d *Dynamic) symbols() (*symbolTable, error) {
	count, err := d.symbolCount()
	if err != nil || count == 0 {
		return &symbolTable{file: d.file}, err
	}
	return d.symbolTable(count)
}

func (d *Dynamic) symbolTable(count int) (*symbolTable, error) {
	t := &symbolTable{file: d.file}
	raw, err := d.file.at(d.tags[dtSymTab], uint64(count*t.width()))
	if err != nil {
		return nil, err
	}
	t.raw, t.count = raw, min(count, len(raw)/t.width())
	return t, nil
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
	raw, err := f.at(at, 4*buckets)
	if err != nil {
		return 0, err
	}
	last := uint32(0)
	for ; len(raw) >= 4; raw = raw[4:] {
		last = max(last, o.Uint32(raw))
	}
	if last < first {
		return int(min(first, maxSymbols)), nil
	}
	// The last chain ends at the entry whose lowest bit is set.
	at += 4*buckets + 4*uint64(last-first)
	for last < maxSymbols {
		chain, err := f.at(at, 4<<10)
		if err != nil || len(chain) < 4 {
			return 0, corrupt(err)
		}
		for ; len(chain) >= 4 && last < maxSymbols; chain = chain[4:] {
			last++
			at += 4
			if o.Uint32(chain)&1 != 0 {
				return int(last), nil
			}
		}
	}
	return 0, errCorrupt
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
