package corpus

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// compiler makes programs and libraries with a program of this machine, in a folder of its own.
type compiler struct{ name, dir string }

// failure ends what is made with a compiler: who makes a case need not look at each error.
type failure struct{ error }

func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// with makes something with a compiler, if this machine has it. The error is the first failure.
func with(name string, what func(*compiler)) (err error) {
	if _, err := exec.LookPath(name); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "optimizing-dockerfile-corpus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	defer func() {
		switch broken := recover().(type) {
		case nil:
		case failure:
			err = broken
		default:
			panic(broken)
		}
	}()
	what(&compiler{name, dir})
	return nil
}

// run calls the compiler, and gives what it prints.
func (c *compiler) run(words ...string) string {
	command := exec.Command(c.name, words...)
	command.Dir = c.dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux") // Go's alone
	out, err := command.CombinedOutput()
	if err != nil {
		check(fmt.Errorf("%s %s: %v\n%s", c.name, strings.Join(words, " "), err, out))
	}
	return strings.TrimSpace(string(out))
}

func (c *compiler) write(name, text string) string {
	at := filepath.Join(c.dir, name)
	check(os.WriteFile(at, []byte(text), 0o644))
	return at
}

// build compiles a source in C; words ending in .so are libraries built before.
func (c *compiler) build(name, source string, words ...string) File {
	args := []string{"-o", name, c.write(name+".c", source), "-L."}
	for _, w := range words {
		if strings.HasSuffix(w, ".so") && !strings.HasPrefix(w, "-") {
			w = "-l:" + w
		}
		args = append(args, w)
	}
	c.run(append(args, "-Wl,--allow-shlib-undefined")...)
	return ofHost(filepath.Join(c.dir, name))
}

func (c *compiler) library(name, source string, words ...string) File {
	return c.build(name, source, append([]string{"-shared", "-fPIC", "-Wl,-soname," + name}, words...)...)
}

func (c *compiler) program(source string, words ...string) File {
	return c.build("program", source, words...)
}

// started gives an image of a program, with its loader and libraries of this machine under their own paths.
func (c *compiler) started(libraries ...string) (s Spec, loader string) {
	s = Spec{}.with(entrypoint("/app"), put("/app", c.program(mainC)))
	loader = loaderOf(s.Files["/app"])
	for _, path := range append(libraries, loader) {
		s.put(path, ofHost(path))
	}
	return s, loader
}

// find gives the path of a library of this machine.
func (c *compiler) find(name string) string {
	at := c.run("-print-file-name=" + name)
	if !filepath.IsAbs(at) {
		check(fmt.Errorf("%s does not find %s", c.name, name))
	}
	return filepath.Clean(at)
}

// ofHost is a file of this machine.
func ofHost(path string) File {
	data, err := os.ReadFile(path)
	check(err)
	return File{Data: data}
}

// loaderOf is the loader that a program asks for; empty where it is static.
func loaderOf(program File) string {
	f, err := elf.NewFile(bytes.NewReader(program.Data))
	check(err)
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz-1)
			p.ReadAt(b, 0)
			return string(b)
		}
	}
	return ""
}

// foreign is an ELF file relabelled for a machine that this one is not.
func foreign(f File) File {
	f.Data = bytes.Clone(f.Data)
	binary.LittleEndian.PutUint16(f.Data[18:], uint16(elf.EM_RISCV))
	return f
}

// cache is an /etc/ld.so.cache.
func cache(libraries map[string]string) File {
	flags := uint32(0x0303)
	if here() == arm64 {
		flags = 0x0a03
	}
	head := append([]byte("glibc-ld.so.cache1.1"), make([]byte, 28)...)
	binary.LittleEndian.PutUint32(head[20:], uint32(len(libraries)))
	head[28] = 2 // little endian
	var entries, texts []byte
	at := uint32(len(head) + 24*len(libraries))
	for name, path := range libraries {
		e := make([]byte, 24)
		binary.LittleEndian.PutUint32(e, flags)
		binary.LittleEndian.PutUint32(e[4:], at+uint32(len(texts)))
		texts = append(append(texts, name...), 0)
		binary.LittleEndian.PutUint32(e[8:], at+uint32(len(texts)))
		texts = append(append(texts, path...), 0)
		entries = append(entries, e...)
	}
	binary.LittleEndian.PutUint32(head[24:], uint32(len(texts)))
	return text(string(slices.Concat(head, entries, texts)))
}

// busybox has a static busybox of this machine's in an image, as env.
func busybox(s *Spec) {
	at, err := exec.LookPath("busybox")
	check(err)
	file := ofHost(at)
	if loaderOf(file) != "" {
		check(errors.New("busybox is not static here"))
	}
	s.put("/bin/busybox", file)
	s.put("/usr/bin/env", File{Link: "/bin/busybox"})
}

// Pause is an image that does nothing, for ever.
func Pause() (s Spec, err error) {
	err = with("busybox", func(*compiler) { s = Spec{}.with(busybox, entrypoint("/bin/busybox", "sleep", "1000000")) })
	return s, err
}

// coreutils has GNU env in an image, with its loader and the C library.
func (c *compiler) coreutils(s *Spec) {
	env := ofHost("/usr/bin/env")
	f, err := elf.NewFile(bytes.NewReader(env.Data))
	check(err)
	if libs, err := f.ImportedLibraries(); err != nil || !slices.Equal(libs, []string{"libc.so.6"}) {
		check(fmt.Errorf("/usr/bin/env of this machine needs more than libc.so.6 (%v)", libs))
	}
	s.put("/usr/bin/env", env)
	for _, path := range []string{loaderOf(env), c.find("libc.so.6")} {
		s.put(path, ofHost(path))
	}
}
