package corpus

import (
	"bytes"
	"encoding/binary"
	"runtime"
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

func (t tiny) bytes() []byte {
	if t.machine == 0 {
		t.machine = here()
	}
	wide := t.machine != i386
	header, entry, base := 64, 56, uint64(0x400000)
	if !wide {
		header, entry = 52, 32
	}
	if t.pie {
		base = 0
	}
	if t.typ == 0 {
		if t.typ = 2; t.pie {
			t.typ = 3
		}
	}
	count := 1
	if t.interp != "" {
		count = 2
	}
	text := header + count*entry
	body := append(bytes.Clone(code[t.machine]), Marker...)
	if !wide {
		binary.LittleEndian.PutUint32(body[11:], uint32(base)+uint32(text+len(code[i386])))
	}
	interpAt := text + len(body)
	if t.interp != "" {
		body = append(append(body, t.interp...), 0)
	}
	total := uint64(text + len(body))

	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			binary.Write(&b, binary.LittleEndian, v)
		}
	}
	class := byte(2)
	if !wide {
		class = 1
	}
	b.Write([]byte{0x7f, 'E', 'L', 'F', class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	put(t.typ, t.machine, uint32(1))
	start, align := base+uint64(text), uint64(0x1000)
	if wide {
		put(start, uint64(header), uint64(0), uint32(0), uint16(header), uint16(entry), uint16(count), uint16(0), uint16(0), uint16(0))
		if t.interp != "" {
			put(uint32(3), uint32(4), uint64(interpAt), base+uint64(interpAt), base+uint64(interpAt), uint64(len(t.interp)+1), uint64(len(t.interp)+1), uint64(1))
		}
		put(uint32(1), uint32(5), uint64(0), base, base, total, total, align)
	} else {
		put(uint32(start), uint32(header), uint32(0), uint32(0), uint16(header), uint16(entry), uint16(count), uint16(0), uint16(0), uint16(0))
		if t.interp != "" {
			at, size := uint32(interpAt), uint32(len(t.interp)+1)
			put(uint32(3), at, uint32(base)+at, uint32(base)+at, size, size, uint32(4), uint32(1))
		}
		put(uint32(1), uint32(0), uint32(base), uint32(base), uint32(total), uint32(total), uint32(5), uint32(align))
	}
	b.Write(body)
	return b.Bytes()
}
