package corpus

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
)

const (
	muslLoader  = "/lib/ld-musl-x86_64.so.1"
	glibcLoader = "/lib64/ld-linux-x86-64.so.2"
)

// shared is a program or library for amd64 that a linker would not write.
type shared struct {
	interp, soname, rpath, runpath string
	needed                         []string
	tags                           []uint64          // more of the dynamic section, tag after value
	tables                         []byte            // behind the string table
	at                             map[uint64]uint64 // tags that are places in there
	names                          string            // at the string table's beginning
	defines, wants                 int               // symbols, all of them called x; the last defined one is not hidden
	huge                           bool              // their name is without end
	symbol                         string            // their name, where it is not x
}

func (s shared) bytes() []byte {
	le, base := binary.LittleEndian, uint64(0x400000)
	strings, dynamic := []byte("\x00"+cmp.Or(s.symbol, "x")+"\x00"+s.names), append([]uint64{}, s.tags...)
	if s.huge {
		strings = append([]byte("\x00x"), bytes.Repeat([]byte("x"), 20_000)...)
	}
	text := func(tag uint64, name string) {
		if name != "" {
			dynamic, strings = append(dynamic, tag, uint64(len(strings))), append(append(strings, name...), 0)
		}
	}
	for _, name := range s.needed {
		text(1, name)
	}
	text(14, s.soname)
	text(15, s.rpath)
	text(29, s.runpath)
	tables, at := bytes.Clone(s.tables), map[uint64]uint64{}
	for tag, offset := range s.at {
		at[tag] = offset
	}
	place := func(tag uint64, table []byte) { at[tag], tables = uint64(len(tables)), append(tables, table...) }
	if count := s.defines + s.wants; count > 0 {
		symbols, versions, relocations := make([]byte, 24), []byte{0, 0}, []byte(nil)
		for i := range count {
			section, version := uint16(1), uint16(0x8001)
			if i == s.defines-1 || i >= s.defines {
				version = 1
			}
			if i >= s.defines {
				section = 0
				relocations = le.AppendUint64(le.AppendUint64(le.AppendUint64(relocations, base), uint64(1+i)<<32|6), 0)
			}
			symbols = append(le.AppendUint16(append(le.AppendUint32(symbols, 1), 0x12, 0), section), make([]byte, 16)...)
			le.PutUint64(symbols[len(symbols)-16:], base*uint64(section))
			versions = le.AppendUint16(versions, version)
		}
		place(4, le.AppendUint64(nil, uint64(count+1)<<32|1))
		place(6, symbols)
		place(0x6ffffff0, versions)
		place(7, relocations)
		dynamic = append(dynamic, 8, uint64(len(relocations)))
	}
	headers, interp := uint64(64+56*3), append([]byte(s.interp), 0)
	inDynamic := headers + uint64(len(interp))
	inStrings := inDynamic + 8*uint64(len(dynamic)+2*len(at)+6)
	inTables := inStrings + uint64(len(strings))
	for tag, offset := range at {
		dynamic = append(dynamic, tag, base+inTables+offset)
	}
	dynamic = append(dynamic, 5, base+inStrings, 10, uint64(len(strings)), 0, 0)
	all := inTables + uint64(len(tables))
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	b, _ = binary.Append(b, le, []uint16{3, 62, 1, 0})
	b, _ = binary.Append(b, le, []uint64{base, 64, 0})
	b, _ = binary.Append(b, le, []uint16{0, 0, 64, 56, 3, 0, 0, 0})
	kind := uint32(3)
	if s.interp == "" {
		kind = 0
	}
	for _, p := range [][3]uint64{{uint64(kind), headers, uint64(len(interp))}, {1, 0, all}, {2, inDynamic, 8 * uint64(len(dynamic))}} {
		b, _ = binary.Append(b, le, []uint32{uint32(p[0]), 5})
		b, _ = binary.Append(b, le, []uint64{p[1], base + p[1], base + p[1], p[2], p[2], 1})
	}
	b, _ = binary.Append(append(b, interp...), le, dynamic)
	return append(append(b, strings...), tables...)
}

// dynamic is an image of a program, with its loader and what else is given.
func dynamic(program shared, files map[string]File) Spec {
	s := Spec{Entrypoint: []string{"/app"}, Arch: "amd64", Files: map[string]File{}}
	s.put("/app", File{Data: program.bytes()})
	s.put(muslLoader, File{Data: append(shared{soname: "libc.so", defines: 1, symbol: "__libc_start_main"}.bytes(), "musl libc"...)})
	s.put(glibcLoader, File{Data: append(shared{soname: "ld-linux-x86-64.so.2", defines: 1, symbol: "_r_debug"}.bytes(), "GLIBC\x00/lib/\x00/usr/lib/\x00"...)})
	for name, f := range files {
		s.put(name, f)
	}
	return s
}

func numbered(count int, format string) (all []string) {
	for i := range count {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}

// linked is one library under many names.
func linked(count int, lib shared) map[string]File {
	files := map[string]File{"/lib/l0.so": {Data: lib.bytes()}}
	for _, name := range numbered(count, "/lib/l%d.so")[1:] {
		files[name] = File{Hard: "/lib/l0.so"}
	}
	return files
}

// chain is libraries, each of which needs the next.
func chain(count int, of func(next string) shared) map[string]File {
	files := map[string]File{}
	for i := range count {
		files[fmt.Sprintf("/lib/l%d.so", i)] = File{Data: of(fmt.Sprintf("l%d.so", i+1)).bytes()}
	}
	return files
}

func bytesOf[T any](count int, of func(i int) []T) (all []T) {
	for i := range count {
		all = append(all, of(i)...)
	}
	return all
}

// define is an entry of DT_VERDEF.
func define(index uint16, name uint32) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, []uint16{1, 0, index, 1})
	b, _ = binary.Append(b, binary.LittleEndian, []uint32{0, 20, 28, name, 0})
	return b
}
