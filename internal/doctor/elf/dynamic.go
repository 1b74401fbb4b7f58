package elf

import (
	"bytes"
	"errors"
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

var errCorrupt = errors.New("its dynamic section points outside of the file")

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
	for _, p := range f.Progs {
		if p.Type == PtDynamic {
			return f.dynamic(p)
		}
	}
	return nil, nil
}

func (f *File) dynamic(p Prog) (*Dynamic, error) {
	width := f.word()
	count := min(p.FileSize/uint64(2*width), maxDynamic)
	raw := make([]byte, count*uint64(2*width))
	if p.Offset > uint64(f.size) {
		return nil, errCorrupt
	}
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
		tag, value := f.uint(raw), f.uint(raw[width:])
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

// text gives a name of the string table: all of them come by here, and none is
// longer than most. Without an error and ok, it is longer, or there is none.
func (d *Dynamic) text(at uint64, most int) (name []byte, ok bool, err error) {
	size := d.tags[dtStrSz]
	if at >= size {
		return nil, false, nil
	}
	var b []byte
	if at < uint64(len(d.strings)) {
		b = d.strings[at:min(uint64(len(d.strings)), at+uint64(most)+1)]
	} else if b, err = d.file.at(d.tags[dtStrTab]+at, min(size-at, uint64(most)+1)); err != nil {
		return nil, false, err
	}
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return nil, false, nil
	}
	return b[:end], true, d.file.work(1 + end>>6)
}

// goesOn tells a name that is longer than most from one that is none.
func (d *Dynamic) goesOn(at uint64, most int) bool {
	size := d.tags[dtStrSz]
	return at < size && size-at > uint64(most)
}

// kept is text for what stays in memory; what is no name is an error.
func (d *Dynamic) kept(at uint64, most int) (string, error) {
	b, ok, err := d.text(at, most)
	switch {
	case err == nil && !ok && d.goesOn(at, most):
		err = ErrTooLarge
	case err == nil && !ok:
		err = errCorrupt
	}
	if err == nil {
		err = d.file.keep(costOfName + len(b))
	}
	return string(b), err
}

// needs reads DT_VERNEED: which versions of which library.
func (d *Dynamic) needs() error {
	at, ok := d.tags[dtVerNeed]
	if !ok {
		return nil
	}
	o := d.file.Order
	seen := 0
	for range min(d.tags[dtVerNum], maxVersion) {
		head, err := d.file.at(at, 16)
		if err != nil || len(head) < 16 {
			return corrupt(err)
		}
		library, err := d.kept(uint64(o.Uint32(head[4:])), maxName)
		if err != nil {
			return err
		}
		need := Need{Library: library}
		aux := at + uint64(o.Uint32(head[8:]))
		for range o.Uint16(head[2:]) {
			if seen++; seen > maxVersion {
				return ErrTooLarge
			}
			entry, err := d.file.at(aux, 16)
			if err != nil || len(entry) < 16 {
				return corrupt(err)
			}
			name, err := d.kept(uint64(o.Uint32(entry[8:])), maxName)
			if err != nil {
				return err
			}
			if weak := o.Uint16(entry[4:])&2 != 0; !weak {
				need.Versions = append(need.Versions, name)
			}
			d.names[o.Uint16(entry[6:])&0x7fff] = version{name, library}
			next := o.Uint32(entry[12:])
			if next == 0 {
				break
			}
			aux += uint64(next)
		}
		d.Needs = append(d.Needs, need)
		next := o.Uint32(head[12:])
		if next == 0 {
			break
		}
		at += uint64(next)
	}
	return nil
}

// defines reads DT_VERDEF: which versions the file itself has.
func (d *Dynamic) defines() error {
	at, ok := d.tags[dtVerDef]
	if !ok {
		return nil
	}
	d.HasVersions = true
	o := d.file.Order
	for range min(d.tags[dtVerDefNum], maxVersion) {
		head, err := d.file.at(at, 20)
		if err != nil || len(head) < 20 {
			return corrupt(err)
		}
		aux, err := d.file.at(at+uint64(o.Uint32(head[12:])), 8)
		if err != nil || len(aux) < 8 {
			return corrupt(err)
		}
		name, err := d.kept(uint64(o.Uint32(aux)), maxName)
		if err != nil {
			return err
		}
		if base := o.Uint16(head[2:])&1 != 0; !base {
			d.Defines = append(d.Defines, name)
			d.names[o.Uint16(head[4:])&0x7fff] = version{name, ""}
		}
		next := o.Uint32(head[16:])
		if next == 0 {
			break
		}
		at += uint64(next)
	}
	return nil
}

func corrupt(err error) error {
	if err != nil {
		return err
	}
	return errCorrupt
}

func (f *File) word() int {
	if f.Class == Class64 {
		return 8
	}
	return 4
}

func (f *File) uint(b []byte) uint64 {
	if f.Class == Class64 {
		return f.Order.Uint64(b)
	}
	return uint64(f.Order.Uint32(b))
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
