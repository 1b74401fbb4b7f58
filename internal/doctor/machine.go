package doctor

import (
	"context"
	"debug/buildinfo"
	debug "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	goversion "go/version"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"optimizing-dockerfile/internal/doctor/elf"
	"optimizing-dockerfile/internal/doctor/image"
)

// names are the ELF machines, as in GOARCH.
var names = map[debug.Machine]string{
	debug.EM_386: "386", debug.EM_X86_64: "amd64", debug.EM_ARM: "arm", debug.EM_AARCH64: "arm64", debug.EM_PPC64: "ppc64le",
	debug.EM_S390: "s390x", debug.EM_RISCV: "riscv64", debug.EM_LOONGARCH: "loong64", debug.EM_MIPS: "mips",
}

// unames are some of them as `uname -m` names them.
var unames = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "i386"}

func machineName(f *elf.File) string {
	if f.Machine == debug.EM_X86_64 && f.Class == debug.ELFCLASS32 {
		return "x32"
	}
	if name, ok := names[f.Machine]; ok {
		return name
	}
	return fmt.Sprintf("ELF machine %d", f.Machine)
}

// MachineOf describes the engine's machine, and what the engine leaves a user (see Machine). Where it runs on this
// one's kernel (here), the handlers for foreign programs can be looked up; an
// engine elsewhere, or in a virtual machine of its own, keeps them to itself.
func MachineOf(system, arch string, here, overrides bool) Machine {
	m := Machine{OS: system, Arch: arch, Overrides: overrides}
	if !here {
		return m
	}
	m.Level, m.Only64 = level(), only64
	handlers, _ := os.ReadDir("/proc/sys/fs/binfmt_misc") // nothing: the kernel has none, or nobody has mounted its list
	m.Alone = !slices.ContainsFunc(handlers, func(h os.DirEntry) bool { return h.Name() != "register" && h.Name() != "status" })
	return m
}

// levels are what a processor of each of x86-64's levels from the second on must have, as /proc/cpuinfo names it. LZCNT
// is none of it: what has AVX2 and BMI2 has that, too, and some kernels of virtual machines do not list it.
var levels = []string{
	"cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3", "avx avx2 bmi1 bmi2 f16c fma movbe xsave", "avx512f avx512bw avx512cd avx512dq avx512vl",
}

// level is this machine's: glibc's loader looks into the folders of all up to it. Zero where nobody knows.
func level() int {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, flags, ok := strings.Cut(string(text), "\nflags")
	if !ok {
		return 0
	}
	flags, _, _ = strings.Cut(flags, "\n")
	has := set(flags)
	for n, needs := range levels {
		if slices.ContainsFunc(strings.Fields(needs), func(flag string) bool { return !has[flag] }) {
			return n + 1
		}
	}
	return len(levels) + 1
}

// only64 asks the kernel whether it runs programs of 32 bits, by one that does nothing but end: some kernels are
// built for them and do not, and nothing under /proc says so.
var only64 = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "optimizing-dockerfile-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	const at, headers, size = 0x8048000, 52 + 32, 52 + 32 + 9
	program, _ := binary.Append(nil, binary.LittleEndian, debug.Header32{
		Ident: [debug.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(debug.ELFCLASS32), byte(debug.ELFDATA2LSB), byte(debug.EV_CURRENT)},
		Type:  uint16(debug.ET_EXEC), Machine: uint16(debug.EM_386), Version: 1, Entry: at + headers, Phoff: 52, Ehsize: 52,
		Phentsize: 32, Phnum: 1})
	program, _ = binary.Append(program, binary.LittleEndian, debug.Prog32{
		Type: uint32(debug.PT_LOAD), Vaddr: at, Paddr: at, Filesz: size, Memsz: size, Flags: uint32(debug.PF_R | debug.PF_X), Align: 0x1000})
	program = append(program, 0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80) // mov eax, 1 (exit); xor ebx, ebx; int 80
	file := filepath.Join(dir, "ends")
	return os.WriteFile(file, program, 0o700) == nil && errors.Is(exec.Command(file).Run(), syscall.ENOEXEC)
})

// maxBuildinfo is up to which size a program is searched for Go's build information.
const maxBuildinfo = 128 << 20

// isGo reports whether the binary was built by Go, and remembers how.
func (x *examination) isGo(ctx context.Context) bool {
	if !x.askedGo && x.binary.Size <= maxBuildinfo {
		x.info, _ = x.buildInfo(ctx)
	}
	x.askedGo = true
	return x.info != nil
}

func (x *examination) buildInfo(ctx context.Context) (*buildinfo.BuildInfo, error) {
	defer func() { recover() }() // debug/buildinfo reads what nobody has checked
	f, err := x.files.open(ctx, x.binary.Path)
	if err != nil {
		return nil, err
	}
	file, err := elf.Parse(f)
	if err != nil || !file.Ordinary() {
		return nil, err
	}
	return buildinfo.Read(pieces{f})
}

// pieces is a file that is not read by the megabyte: debug/buildinfo asks for what a file claims.
type pieces struct{ io.ReaderAt }

func (p pieces) ReadAt(b []byte, off int64) (int, error) {
	if len(b) > 1<<20 {
		return 0, image.ErrTooLarge
	}
	return p.ReaderAt.ReadAt(b, off)
}

// now is the clock; tests have their own.
var now = time.Now

// unsupported says that a Go release is no longer supported, by the project's
// own calendar: one in February and one in August, each supported until the
// second one after it (https://go.dev/doc/devel/release#policy). Empty: it is, or nobody knows.
func unsupported(version string) string {
	release, _, _ := strings.Cut(version, " ") // from what follows: experiments, who built it
	minor, err := strconv.Atoi(strings.TrimPrefix(goversion.Lang(release), "go1."))
	if err != nil || minor > 1000 {
		return ""
	}
	// Go 1.21 came in August 2023.
	end := time.Date(2023, time.August, 28, 0, 0, 0, 0, time.UTC).AddDate(0, 6*(minor-21)+12, 0)
	if now().Before(end) {
		return ""
	}
	return fmt.Sprintf("It is built with %s, whose support ended in %s: known vulnerabilities stay in it", version,
		end.Format("January 2006"))
}
