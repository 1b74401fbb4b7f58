package doctor

import (
	"fmt"
	"os"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
)

// names are the ELF machines, as in GOARCH.
var names = map[uint16]string{
	elf.M386: "386", elf.MX86_64: "amd64", elf.MARM: "arm", elf.MAARCH64: "arm64", elf.MPPC64: "ppc64le",
	elf.MS390: "s390x", elf.MRISCV: "riscv64", elf.MLOONG: "loong64", elf.MMIPS: "mips",
}

func machineName(f *elf.File) string {
	if f.Machine == elf.MX86_64 && f.Class == elf.Class32 {
		return "x32"
	}
	if name, ok := names[f.Machine]; ok {
		return name
	}
	return fmt.Sprintf("ELF machine %d", f.Machine)
}

// canRun reports whether a machine's kernel runs a program by itself:
// yes, no, or (known is false) as it was configured.
func canRun(arch string, f *elf.File) (yes, known bool) {
	name := machineName(f)
	switch {
	case arch == "" || name == arch:
		return true, true
	case arch == "amd64" && name == "386":
		return true, true // CONFIG_IA32_EMULATION, on in every distribution
	case arch == "amd64" && name == "x32", arch == "arm64" && name == "arm":
		return false, false // off in most kernels; not in every processor
	case len(arch) >= 4 && arch[:4] == "mips" && f.Machine == elf.MMIPS:
		return true, true
	}
	return false, true
}

// MachineOf describes the engine's machine, and what the engine leaves a user (see Machine). Where it runs on this
// one's kernel (here), the handlers for foreign programs can be looked up; an
// engine elsewhere, or in a virtual machine of its own, keeps them to itself.
func MachineOf(system, arch string, here, overrides bool) Machine {
	m := Machine{OS: system, Arch: arch, Overrides: overrides}
	if !here {
		return m
	}
	m.Foreign, m.Level = ForeignNone, level()
	handlers, err := os.ReadDir("/proc/sys/fs/binfmt_misc")
	if err != nil {
		return m // the kernel has none, or nobody has mounted its list
	}
	for _, h := range handlers {
		if h.Name() != "register" && h.Name() != "status" {
			m.Foreign = ForeignSome
		}
	}
	return m
}

// levels are what a processor of each of x86-64's levels from the second on must have, as /proc/cpuinfo names it.
var levels = []string{
	"cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave", "avx512f avx512bw avx512cd avx512dq avx512vl",
}

// level is this machine's: glibc's loader looks into the folders of all up to it. Zero where nobody knows.
func level() int {
	text, err := os.ReadFile("/proc/cpuinfo")
	_, flags, ok := strings.Cut(string(text), "\nflags")
	if err != nil || !ok {
		return 0
	}
	flags, _, _ = strings.Cut(flags, "\n")
	has := set(flags)
	for n, needs := range levels {
		for _, flag := range strings.Fields(needs) {
			if !has[flag] {
				return n + 1
			}
		}
	}
	return len(levels) + 1
}
