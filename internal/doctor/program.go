package doctor

import (
	"bytes"
	"context"
	debug "debug/elf"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/elf"
)

// C libraries that a program may be made for.
const (
	libcMusl  = "musl"
	libcGlibc = "glibc"
	libcNone  = "none" // static: it needs none
)

// elf goes on with an ELF file as the kernel does (fs/binfmt_elf.c): is it for
// this machine, is it whole, which loader does it ask for.
func (x *examination) elf(ctx context.Context, p process) error {
	at := p.at
	x.binary, x.info, x.askedGo = at, nil, false
	file, err := x.whole(ctx, p, "the program")
	if err != nil {
		return err
	}
	if err := x.notPermitted(at); err != nil {
		return err
	}
	if err := x.linked(ctx, p, file); err != nil {
		return err
	}
	// Last of all, though the kernel says it first: what the image lacks, it lacks on every machine.
	if machineName(file) == "386" && x.machine.Arch == "amd64" && x.machine.Only64 != nil && x.machine.Only64() {
		return x.otherMachine(file, at, "the program")
	}
	return nil
}

// linked goes on with what the program is linked with: its loader, and libraries.
func (x *examination) linked(ctx context.Context, p process, file *elf.File) error {
	at := p.at
	dynamic, err := file.Dynamic()
	if imageFault(err) != nil {
		return err
	}
	if file.Interp == "" {
		x.d.Libc = libcNone
		if dynamic != nil && (len(dynamic.Needed) > 0 || dynamic.Soname != "" && !isLoader(at.Path)) {
			return x.badFormat(p, "a shared library, which has no loader of its own")
		}
		if !file.Loads() {
			return x.badFormat(p, "an ELF file without a segment to load")
		}
		return nil
	}
	if err != nil {
		return cannotRead("dynamic section", at.Path, err)
	}
	return x.loader(ctx, p, file, dynamic)
}

// cannotRead is the finding that a part of a file makes no sense, if it is not the image that cannot be read.
func cannotRead(what, at string, err error) error {
	if fault := imageFault(err); fault != nil {
		return fault
	}
	return unknown("the %s of %s cannot be read: %v", what, at, err)
}

// whole is an ELF file that this machine runs and that is not cut off, or the finding that it is none.
func (x *examination) whole(ctx context.Context, p process, what string) (*elf.File, error) {
	file, err := x.parse(ctx, p.at)
	var bad *elf.FormatError
	if errors.As(err, &bad) {
		return nil, x.badFormat(p, bad.Reason)
	}
	if err != nil {
		return nil, err
	}
	if err := x.foreign(file, p.at, what); err != nil {
		return nil, err
	}
	if missing, cut := file.CutOff(); cut {
		return nil, x.badFormat(p, fmt.Sprintf("an ELF file that is cut off: %d bytes of its segments are missing", missing))
	}
	return file, nil
}

func (x *examination) parse(ctx context.Context, at place) (*elf.File, error) {
	content, err := x.files.open(ctx, at.Path)
	if err != nil {
		return nil, err
	}
	return elf.Parse(content)
}

// foreign judges a file's machine against the engine's.
func (x *examination) foreign(file *elf.File, at place, what string) error {
	is, on := machineName(file), x.machine.Arch
	switch {
	case on == "" || is == on,
		on == "amd64" && is == "386", // CONFIG_IA32_EMULATION, on in almost every distribution
		strings.HasPrefix(on, "mips") && file.Machine == debug.EM_MIPS:
		return nil
	case on == "amd64" && is == "x32", on == "arm64" && is == "arm": // off in most kernels; not in every processor
		return unknown("%s is for %s, which some %s machines run and others do not", at.Path, is, on)
	case !x.machine.Alone && what == "the program":
		return unknown("%s is for %s and the engine's machine is %s: whether it runs depends on the handlers "+
			"registered there (binfmt_misc, such as QEMU's)", at.Path, is, on)
	}
	return x.otherMachine(file, at, what)
}

// otherMachine is the finding that the engine's machine does not run a file's programs.
func (x *examination) otherMachine(file *elf.File, at place, what string) error {
	is, on := machineName(file), x.machine.Arch
	return x.cannot(WrongArchitecture, facts{Name: at.Path, At: at.Path, Machine: is, Wants: on},
		Evidence{what + " is for the machine", at.Path, fmt.Sprintf("%s (ELF e_machine %d)", is, file.Machine)},
		Evidence{"the engine's machine, which has no handler for others", "engine", on})
}

// loader resolves PT_INTERP, which the kernel opens itself, as the user.
func (x *examination) loader(ctx context.Context, p process, file *elf.File, dynamic *elf.Dynamic) error {
	at := p.at
	name := file.Interp
	var needed []string
	if dynamic != nil {
		needed = dynamic.Needed
	}
	x.d.Loader, x.d.Libc = name, libcOf(name, file, needed)
	asked := Evidence{"the program is linked dynamically, and names its loader (ELF PT_INTERP)", at.Path, name}
	golang := x.isGo(ctx)
	loader, err := x.files.resolve(ctx, name, x.as)
	way := broke(err)
	switch {
	case way != nil && way.kind == running:
		return unknown("%s is the running system's, not the image's", way.at)
	case way != nil:
		f := x.cannot(MissingLoader, facts{Name: name, At: at.Path, PIE: golang && len(needed) == 0, Copies: copies(name, file, needed),
			Of: x.madeBy(ctx, at)}, asked, Evidence{"the loader", name, way.Error()})
		if machine := machineName(file); machine == "386" && x.machine.Arch == "amd64" {
			f.facts.Machine = machine
		}
		if len(needed) > 0 {
			f.note("and the libraries that it is to load (DT_NEEDED)", at.Path, strings.Join(needed, ", "))
		}
		if way.kind == closed {
			f.cause, f.facts.Closed, f.facts.Name, f.facts.At = UserCannotExecute, true, at.Path, way.at
		}
		return f
	case err != nil:
		return err
	}
	started := process{name: name, at: loader, asked: asked}
	if err := x.mayExecute(started); err != nil {
		return err
	}
	parsed, err := x.whole(ctx, started, "the loader")
	if err != nil {
		return err
	}
	if parsed.Machine != file.Machine || parsed.Class != file.Class {
		return x.cannot(WrongArchitecture, facts{Name: name, At: loader.Path, Machine: machineName(parsed), Wants: machineName(file)}, asked,
			Evidence{"the loader is for another machine than its program", loader.Path, machineName(parsed)})
	}
	if dynamic == nil {
		return nil
	}
	x.as.past = nil // execve has succeeded
	return x.link(ctx, p, file, dynamic, started, parsed, x.secure(at))
}

// copies are the lines that bring a loader and libraries along, from where distributions have them.
func copies(loader string, file *elf.File, needed []string) string {
	from := loader
	if libc := libcOf(loader, file, needed); libcByName(loader) != libc { // the linker's own default, which no distribution has
		from = map[string]string{libcMusl: "/lib/ld-musl-x86_64.so.1", libcGlibc: "/lib64/ld-linux-x86-64.so.2"}[libc]
	}
	dir := path.Dir(loader)
	if from == loader && !strings.HasPrefix(dir, "/lib") && !strings.HasPrefix(dir, "/usr/lib") && len(needed) > 0 {
		return "COPY --from=build " + copyWords(dir, dir) // a prefix of its own
	}
	lines := []string{"COPY --from=build " + copyWords(from, loader)}
	for _, name := range needed {
		if at := libraryFolder(from, file) + "/" + name; name != path.Base(from) && (libcByName(from) != libcMusl ||
			!strings.HasPrefix(name, "libc.")) {
			lines = append(lines, "COPY --from=build "+copyWords(at, at))
		}
	}
	return strings.Join(lines, "\n")
}

// libcOf tells the C library by the loader's name; where that is only the linker's default, by the libraries.
func libcOf(loader string, file *elf.File, needed []string) string {
	libc := libcByName(loader)
	if file.Machine != debug.EM_X86_64 || libc != "" && path.Base(loader) != "ld64.so.1" {
		return libc
	}
	if slices.ContainsFunc(needed, func(name string) bool { return name == "libc.so" || strings.HasPrefix(name, "libc.musl-") }) {
		return libcMusl
	}
	return libcGlibc
}

// libraryFolder is where distributions have libraries: Debian one for each machine.
func libraryFolder(loader string, file *elf.File) string {
	machine := unames[machineName(file)]
	if libcByName(loader) == libcMusl || machine == "" {
		return "/usr/lib"
	}
	return "/usr/lib/" + machine + "-linux-gnu"
}

// madeBy tells whose a program is, where that bears on what can be done: not everything is one's own to compile.
func (x *examination) madeBy(ctx context.Context, at place) string {
	content, _ := x.files.beginning(ctx, at.Path, maxContent)
	switch {
	case bytes.Contains(content, []byte("/rustc/")):
		return "Rust"
	case bytes.Contains(content, []byte("DOTNET_ROOT")) || bytes.Contains(content, []byte("libhostfxr")):
		return ".NET"
	}
	if name := path.Base(at.Path); shells[name] || readers[strings.TrimRight(name, "0123456789.")] || name == "env" {
		return "a distribution"
	}
	return ""
}

var glibcLoader = regexp.MustCompile(`^ld(-linux|64\.so|\.so|-2\.)`)

// libcByName tells the C library by the loader's name, for where it is not there to be looked at.
func libcByName(loader string) string {
	switch base := path.Base(loader); {
	case strings.HasPrefix(base, "ld-musl"):
		return libcMusl
	case glibcLoader.MatchString(base):
		return libcGlibc
	}
	return ""
}

// isLoader tells a loader by its name.
func isLoader(at string) bool {
	return strings.HasPrefix(path.Base(at), "ld") || strings.HasPrefix(path.Base(at), "libc.")
}

// byLoader follows a loader that is started by hand to the program that its words name. That needs
// no x bit, and what the program itself says of a loader does not count.
func (x *examination) byLoader(ctx context.Context, p process, content []byte) error {
	w := wrapper{long: " library-path preload argv0 inhibit-rpath audit glibc-hwcaps-prepend glibc-hwcaps-mask "}
	options, words := w.options(p.argv[1:])
	if len(words) == 0 {
		return nil // its help, or its version
	}
	next := process{name: words[0], argv: words, env: p.env,
		asked: Evidence{"the loader is to load the program", p.at.Path, fmt.Sprintf("%q", p.argv)}}
	if libraries, given := options["library-path"]; given {
		next.env = maps.Clone(p.env)
		next.env["LD_LIBRARY_PATH"] = libraries
	}
	if !strings.Contains(next.name, "/") && !bytes.Contains(content, []byte("musl libc")) {
		return unknown("the loader searches %q as it searches a library", next.name)
	}
	at, err := x.files.resolve(ctx, next.name, x.as)
	if err != nil {
		return x.notThere(ctx, next, err)
	}
	next.at, x.binary = at, at
	if err := x.mayReadScript(next); err != nil {
		return err
	}
	file, err := x.whole(ctx, next, "the program")
	if err != nil {
		return err
	}
	dynamic, err := file.Dynamic()
	loader, bad2 := x.parse(ctx, p.at)
	if err := errors.Join(err, bad2); imageFault(err) != nil {
		return err
	}
	if loader == nil || dynamic == nil && bytes.Contains(content, []byte("musl libc")) {
		return unknown("%s is static, and what a loader makes of it is not known", at.Path)
	}
	x.way = append(x.way, next.asked)
	x.d.Loader = p.name
	if dynamic == nil {
		return x.inTurn(ctx, next)
	}
	if err := x.link(ctx, next, file, dynamic, p, loader, false); err != nil {
		return err
	}
	return x.inTurn(ctx, next)
}
