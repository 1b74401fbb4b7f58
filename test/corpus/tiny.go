package corpus

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"runtime"
	"slices"
)

// Marker is what every program of the corpus prints once it runs: execve and
// its loader have succeeded.
const Marker = "started\n"

// An ELF header's machine numbers.
const (
	amd64 = 62
	arm64 = 183
	i386  = 3
)

// code prints Marker and exits with 0; the marker stands right behind it.
var code = map[uint16][]byte{
	amd64: {
		0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, // mov eax, 1 (write); mov edi, 1
		0x48, 0x8d, 0x35, 16, 0, 0, 0, // lea rsi, [rip+16]
		0xba, 8, 0, 0, 0, 0x0f, 0x05, // mov edx, 8; syscall
		0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, // mov eax, 60 (exit); xor edi, edi; syscall
	},
	arm64: {
		0x20, 0x00, 0x80, 0xd2, 0xe1, 0x00, 0x00, 0x10, // mov x0, 1; adr x1, +28
		0x02, 0x01, 0x80, 0xd2, 0x08, 0x08, 0x80, 0xd2, // mov x2, 8; mov x8, 64 (write)
		0x01, 0x00, 0x00, 0xd4, 0x00, 0x00, 0x80, 0xd2, // svc; mov x0, 0
		0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, // mov x8, 93 (exit); svc
	},
	i386: {
		0xb8, 4, 0, 0, 0, 0xbb, 1, 0, 0, 0, // mov eax, 4 (write); mov ebx, 1
		0xb9, 0, 0, 0, 0, 0xba, 8, 0, 0, 0, 0xcd, 0x80, // mov ecx, marker; mov edx, 8; int 80
		0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80, // mov eax, 1 (exit); xor ebx, ebx; int 80
	},
}

// tiny is a program of a few hundred bytes, made without a compiler.
type tiny struct {
	machine uint16 // 0: this machine's
	pie     bool
	interp  string
	typ     uint16 // 0: as pie says
}

func here() uint16 {
	if runtime.GOARCH == "arm64" {
		return arm64
	}
	return amd64
}

// other is a machine that this one is not.
func other() uint16 {
	if here() == arm64 {
		return amd64
	}
	return arm64
}

// file is the program, as everybody may execute it.
func (t tiny) file() File { return File{Mode: 0o755, Data: t.bytes()} }

func (t tiny) bytes() []byte {
	t.machine = cmp.Or(t.machine, here())
	base, kind := uint64(0x400000), elf.ET_EXEC
	if t.pie {
		base, kind = 0, elf.ET_DYN
	}
	t.typ = cmp.Or(t.typ, uint16(kind))
	count, interp := uint16(1), []byte(nil)
	if t.interp != "" {
		count, interp = 2, append([]byte(t.interp), 0)
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	var header any
	var programs []any
	body := append(bytes.Clone(code[t.machine]), Marker...)
	if t.machine != i386 {
		const size, entry = 64, 56
		text := size + uint64(count)*entry
		at, long := text+uint64(len(body)), uint64(len(interp))
		header = elf.Header64{Ident: ident, Type: t.typ, Machine: t.machine, Version: 1, Entry: base + text, Phoff: size,
			Ehsize: size, Phentsize: entry, Phnum: count}
		programs = append(programs, elf.Prog64{Type: uint32(elf.PT_INTERP), Flags: 4, Off: at, Vaddr: base + at, Paddr: base + at,
			Filesz: long, Memsz: long, Align: 1},
			elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: 5, Vaddr: base, Paddr: base, Filesz: at + long, Memsz: at + long, Align: 0x1000})
	} else {
		const size, entry = 52, 32
		base, text := uint32(base), size+uint32(count)*entry
		at, long := text+uint32(len(body)), uint32(len(interp))
		binary.LittleEndian.PutUint32(body[11:], base+text+uint32(len(code[i386]))) // the marker's address
		ident[elf.EI_CLASS] = byte(elf.ELFCLASS32)
		header = elf.Header32{Ident: ident, Type: t.typ, Machine: t.machine, Version: 1, Entry: base + text, Phoff: size,
			Ehsize: size, Phentsize: entry, Phnum: count}
		programs = append(programs, elf.Prog32{Type: uint32(elf.PT_INTERP), Flags: 4, Off: at, Vaddr: base + at, Paddr: base + at,
			Filesz: long, Memsz: long, Align: 1},
			elf.Prog32{Type: uint32(elf.PT_LOAD), Flags: 5, Vaddr: base, Paddr: base, Filesz: at + long, Memsz: at + long, Align: 0x1000})
	}
	b, err := binary.Append(nil, binary.LittleEndian, header)
	for _, program := range programs[2-count:] {
		if err == nil {
			b, err = binary.Append(b, binary.LittleEndian, program)
		}
	}
	check(err)
	return slices.Concat(b, body, interp)
}
