package elf

import (
	"bytes"
	"errors"
	"fmt"
)

// Tags of the dynamic section.
const (
	dtNeeded    = 1
	dtPltRelSz  = 2
	dtHash      = 4
	dtStrTab    = 5
	dtSymTab    = 6
	dtRela      = 7
	dtRelaSz    = 8
	dtStrSz     = 10
	dtSoname    = 14
	dtRpath     = 15
	dtRel       = 17
	dtRelSz     = 18
	dtPltRel    = 20
	dtJmpRel    = 23
	dtBindNow   = 24
	dtRunpath   = 29
	dtFlags     = 30
	dtGnuHash   = 0x6ffffef5
	dtVersym    = 0x6ffffff0
	dtFlags1    = 0x6ffffffb
	dtVerDef    = 0x6ffffffc
	dtVerDefNum = 0x6ffffffd
	dtVerNeed   = 0x6ffffffe
	dtVerNum    = 0x6fffffff
)

// Bounds on what one file's dynamic section may make us read.
const (
	maxDynamic = 64 << 10 // entries
	maxStrings = 64 << 20 // bytes
	maxName    = 4096     // bytes of one of them: a library's, a version's
	maxFolders = 64 << 10 // the same of DT_RPATH and DT_RUNPATH
	costOfName = 128      // bytes that one takes in memory beside its own

	maxSymbolName = 16 << 10 // C++ writes long ones
	maxSymbols    = 2 << 20
	maxRelocs     = 4 << 20
	maxVersion    = 1 << 16
)

// ErrTooLarge is the error where a file has more than is read of one.
var ErrTooLarge = errors.New("larger than what the doctor reads of a file")

var (
	errCorrupt  = errors.New("its dynamic section points outside of the file")
	errNoName   = fmt.Errorf("%w, for a name", errCorrupt)
	errLongName = fmt.Errorf("a name is %w", ErrTooLarge)
)

// Dynamic is what the loader reads of a file.
type Dynamic struct {
	Needed      []string // DT_NEEDED
	Soname      string
	Rpath       string // DT_RPATH
	Runpath     string // DT_RUNPATH
	HasRunpath  bool
	BindNow     bool     // all symbols are resolved at the start
	NoDefault   bool     // DF_1_NODEFLIB: neither cache nor default folders
	Needs       []Need   // DT_VERNEED
	Defines     []string // DT_VERDEF, the versions; without the base
	HasVersions bool     // there is a DT_VERDEF

	file    *File
	strings []byte // while symbols are gone through; they can be large
	tags    map[uint64]uint64
	names   map[uint16]version // by the index of DT_VERSYM
}

// Need is a library of which versions are needed.
type Need struct {
	Library  string
	Versions []string
}

type version struct {
	name, library string
}

// Dynamic reads the dynamic section; nil where the file has none (static).
func (f *File) Dynamic() (*Dynamic, error) {
	p := f.first(PtDynamic)
	if p == nil {
		return nil, nil
	}
	if p.Offset > uint64(f.size) {
		return nil, errCorrupt
	}
	width := f.word()
	raw := make([]byte, min(p.FileSize/uint64(2*width), maxDynamic)*uint64(2*width))
	n, err := readAt(f.r, raw, int64(p.Offset), f.size)
	if err != nil {
		return nil, err
	}
	if err := f.work(n / width / 4); err != nil {
		return nil, err
	}
	d := &Dynamic{file: f, tags: map[uint64]uint64{}}
	var needed []uint64
	for raw = raw[:n]; len(raw) >= 2*width; raw = raw[2*width:] {
		tag, value := f.field(raw, 0, 0), f.field(raw, 8, 4)
		if tag == 0 {
			break
		}
		if tag == dtNeeded {
			needed = append(needed, value)
			continue
		}
		if tag <= dtFlags || tag >= dtGnuHash && tag <= dtVerNum {
			d.tags[tag] = value
		}
	}
	for _, at := range needed {
		name, err := d.kept(at, maxName)
		if err != nil {
			return nil, err
		}
		d.Needed = append(d.Needed, name)
	}
	for tag, text := range map[uint64]*string{dtSoname: &d.Soname, dtRpath: &d.Rpath, dtRunpath: &d.Runpath} {
		if at, ok := d.tags[tag]; ok {
			if *text, err = d.kept(at, maxFolders); err != nil {
				return nil, err
			}
		}
	}
	_, d.HasRunpath = d.tags[dtRunpath]
	_, now := d.tags[dtBindNow]
	d.BindNow = now || d.tags[dtFlags]&8 != 0 || d.tags[dtFlags1]&1 != 0
	d.NoDefault = d.tags[dtFlags1]&0x800 != 0
	d.names = map[uint16]version{}
	if err := d.needs(); err != nil {
		return nil, err
	}
	return d, d.defines()
}

// HasVersym reports whether the symbols have versions at all (DT_VERSYM).
func (d *Dynamic) HasVersym() bool {
	_, has := d.tags[dtVersym]
	return has
}

// text gives a name of the string table: all of them come by here, and none is longer than most.
func (d *Dynamic) text(at uint64, most int) (name []byte, err error) {
	size := d.tags[dtStrSz]
	if at >= size {
		return nil, errNoName
	}
	var b []byte
	if at < uint64(len(d.strings)) {
		b = d.strings[at:min(uint64(len(d.strings)), at+uint64(most)+1)]
	} else if b, err = d.file.at(d.tags[dtStrTab]+at, min(size-at, uint64(most)+1)); err != nil {
		return nil, err
	}
	end := bytes.IndexByte(b, 0)
	switch {
	case end < 0 && size-at > uint64(most):
		return nil, errLongName
	case end < 0:
		return nil, errNoName
	}
	return b[:end], d.file.work(1 + end>>6)
}

// kept is text for what stays in memory.
func (d *Dynamic) kept(at uint64, most int) (string, error) {
	b, err := d.text(at, most)
	if err == nil {
		err = d.file.keep(costOfName + len(b))
	}
	return string(b), err
}

// chain visits the entries of a version table, each of which ends in the way to the next.
func (d *Dynamic) chain(at, most uint64, size int, visit func(at uint64, entry []byte) error) error {
	for range min(most, maxVersion) {
		entry, err := d.file.at(at, uint64(size))
		if err != nil || len(entry) < size {
			return corrupt(err)
		}
		next := d.file.Order.Uint32(entry[size-4:])
		if err := visit(at, entry); err != nil || next == 0 {
			return err
		}
		at += uint64(next)
	}
	return nil
}

// needs reads DT_VERNEED: which versions of which library.
func (d *Dynamic) needs() error {
	table, ok := d.tags[dtVerNeed]
	if !ok {
		return nil
	}
	o, seen := d.file.Order, 0
	return d.chain(table, d.tags[dtVerNum], 16, func(at uint64, head []byte) error {
		library, err := d.kept(uint64(o.Uint32(head[4:])), maxName)
		if err != nil {
			return err
		}
		need := Need{Library: library}
		err = d.chain(at+uint64(o.Uint32(head[8:])), uint64(o.Uint16(head[2:])), 16, func(_ uint64, entry []byte) error {
			if seen++; seen > maxVersion {
				return ErrTooLarge
			}
			name, err := d.kept(uint64(o.Uint32(entry[8:])), maxName)
			if weak := o.Uint16(entry[4:])&2 != 0; !weak {
				need.Versions = append(need.Versions, name)
			}
			d.names[o.Uint16(entry[6:])&0x7fff] = version{name, library}
			return err
		})
		d.Needs = append(d.Needs, need)
		return err
	})
}

// defines reads DT_VERDEF: which versions the file itself has.
func (d *Dynamic) defines() error {
	table, ok := d.tags[dtVerDef]
	if !ok {
		return nil
	}
	d.HasVersions = true
	o := d.file.Order
	return d.chain(table, d.tags[dtVerDefNum], 20, func(at uint64, head []byte) error {
		aux, err := d.file.at(at+uint64(o.Uint32(head[12:])), 8)
		if err != nil || len(aux) < 8 {
			return corrupt(err)
		}
		name, err := d.kept(uint64(o.Uint32(aux)), maxName)
		if base := o.Uint16(head[2:])&1 != 0; !base {
			d.Defines = append(d.Defines, name)
			d.names[o.Uint16(head[4:])&0x7fff] = version{name, ""}
		}
		return err
	})
}

func corrupt(err error) error {
	if err != nil {
		return err
	}
	return errCorrupt
}

// at reads up to n bytes at an address, through the PT_LOAD that holds it.
func (f *File) at(address, n uint64) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	for _, p := range f.Progs {
		if p.Type != PtLoad || address < p.Vaddr || address-p.Vaddr >= p.FileSize {
			continue
		}
		n = min(n, p.FileSize-(address-p.Vaddr))
		off := p.Offset + address - p.Vaddr
		if off >= uint64(f.size) {
			return nil, errCorrupt
		}
		b := make([]byte, min(n, uint64(f.size)-off))
		got, err := readAt(f.r, b, int64(off), f.size)
		return b[:got], err
	}
	return nil, errCorrupt
}
