package elf

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
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
	HasVersym   bool     // the symbols have versions at all

	file    *File
	strings []byte // while symbols are gone through; they can be large
	tags    map[elf.DynTag]uint64
	names   map[uint16]Symbol // their versions and libraries, by the index of DT_VERSYM
}

// Need is a library of which versions are needed.
type Need struct {
	Library  string
	Versions []string
}

// Dynamic reads the dynamic section; nil where the file has none (static).
func (f *File) Dynamic() (*Dynamic, error) {
	p := f.first(elf.PT_DYNAMIC)
	if p == nil {
		return nil, nil
	}
	if p.Off > f.size {
		return nil, errCorrupt
	}
	width := 2 * f.word()
	raw, err := f.read(p.Off, min(p.Filesz/uint64(width), maxDynamic)*uint64(width))
	if err == nil {
		err = f.r.Work(int64(len(raw) / f.word() / 4))
	}
	if err != nil {
		return nil, err
	}
	d := &Dynamic{file: f, tags: map[elf.DynTag]uint64{}, names: map[uint16]Symbol{}}
	var needed []uint64
	for ; len(raw) >= width; raw = raw[width:] {
		tag, value := f.field(raw, 0, 0), f.field(raw, 8, 4)
		if tag == uint64(elf.DT_NULL) {
			break
		}
		if tag == uint64(elf.DT_NEEDED) {
			needed = append(needed, value)
		} else if tag <= uint64(elf.DT_FLAGS) || tag >= uint64(elf.DT_GNU_HASH) && tag <= uint64(elf.DT_VERNEEDNUM) {
			d.tags[elf.DynTag(tag)] = value
		}
	}
	for _, at := range needed {
		name, err := d.kept(at, maxName)
		if err != nil {
			return nil, err
		}
		d.Needed = append(d.Needed, name)
	}
	for tag, text := range map[elf.DynTag]*string{elf.DT_SONAME: &d.Soname, elf.DT_RPATH: &d.Rpath, elf.DT_RUNPATH: &d.Runpath} {
		if d.has(tag) {
			if *text, err = d.kept(d.tags[tag], maxFolders); err != nil {
				return nil, err
			}
		}
	}
	flags := elf.DynFlag1(d.tags[elf.DT_FLAGS_1])
	d.BindNow = d.has(elf.DT_BIND_NOW) || elf.DynFlag(d.tags[elf.DT_FLAGS])&elf.DF_BIND_NOW != 0 || flags&elf.DF_1_NOW != 0
	d.NoDefault = flags&elf.DF_1_NODEFLIB != 0
	d.HasRunpath, d.HasVersym, d.HasVersions = d.has(elf.DT_RUNPATH), d.has(elf.DT_VERSYM), d.has(elf.DT_VERDEF)
	if d.has(elf.DT_VERNEED) {
		if err := d.needs(); err != nil {
			return nil, err
		}
	}
	if d.HasVersions {
		err = d.defines()
	}
	return d, err
}

func (d *Dynamic) has(tag elf.DynTag) bool {
	_, has := d.tags[tag]
	return has
}

// text gives a name of the string table: all of them come by here, and none is longer than most.
func (d *Dynamic) text(at uint64, most int) (name []byte, err error) {
	size := d.tags[elf.DT_STRSZ]
	if at >= size {
		return nil, errNoName
	}
	var b []byte
	if at < uint64(len(d.strings)) {
		b = d.strings[at:min(uint64(len(d.strings)), at+uint64(most)+1)]
	} else if b, err = d.file.at(d.tags[elf.DT_STRTAB]+at, min(size-at, uint64(most)+1)); err != nil {
		return nil, err
	}
	end := bytes.IndexByte(b, 0)
	switch {
	case end < 0 && size-at > uint64(most):
		return nil, errLongName
	case end < 0:
		return nil, errNoName
	}
	return b[:end], d.file.r.Work(int64(1 + end>>6))
}

// kept is text for what stays in memory.
func (d *Dynamic) kept(at uint64, most int) (string, error) {
	b, err := d.text(at, most)
	if err == nil {
		err = d.file.r.Keep(int64(costOfName + len(b)))
	}
	return string(b), err
}

// chain visits the entries of a version table, each of which ends in the way to the next.
func (d *Dynamic) chain(at, most uint64, size int, visit func(at uint64, entry []byte) error) error {
	for range min(most, maxVersion) {
		entry, err := d.file.exactly(at, size)
		if err == nil {
			err = visit(at, entry)
		}
		if err != nil {
			return err
		}
		next := d.file.Order.Uint32(entry[size-4:])
		if next == 0 {
			break
		}
		at += uint64(next)
	}
	return nil
}

// needs reads DT_VERNEED: which versions of which library.
func (d *Dynamic) needs() error {
	o, seen := d.file.Order, 0
	return d.chain(d.tags[elf.DT_VERNEED], d.tags[elf.DT_VERNEEDNUM], 16, func(at uint64, head []byte) error {
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
			d.names[o.Uint16(entry[6:])&0x7fff] = Symbol{Version: name, Library: library}
			return err
		})
		d.Needs = append(d.Needs, need)
		return err
	})
}

// defines reads DT_VERDEF: which versions the file itself has.
func (d *Dynamic) defines() error {
	o := d.file.Order
	return d.chain(d.tags[elf.DT_VERDEF], d.tags[elf.DT_VERDEFNUM], 20, func(at uint64, head []byte) error {
		aux, err := d.file.exactly(at+uint64(o.Uint32(head[12:])), 8)
		if err != nil {
			return err
		}
		name, err := d.kept(uint64(o.Uint32(aux)), maxName)
		if base := o.Uint16(head[2:])&1 != 0; !base {
			d.Defines = append(d.Defines, name)
			d.names[o.Uint16(head[4:])&0x7fff] = Symbol{Version: name}
		}
		return err
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
		if err == nil {
			err = f.r.Work(int64(1 + len(b)/width/16))
		}
		if err != nil {
			return err
		}
		for entry := range slices.Chunk(b[:len(b)/width*width], width) {
			if err := visit(entry); err != nil {
				return err
			}
		}
		if uint64(len(b)) < min(size, step) {
			return nil
		}
	}
	return nil
}
