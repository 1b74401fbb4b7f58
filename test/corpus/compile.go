package corpus

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// compiler makes dynamic programs and libraries, in a folder of its own. The
// first error sticks: who makes a case need not look at each.
type compiler struct {
	name, dir string
	err       error
}

func newCompiler(name string) (*compiler, error) {
	if _, err := exec.LookPath(name); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "optimizing-dockerfile-corpus-")
	return &compiler{name: name, dir: dir}, err
}

func (c *compiler) close() { os.RemoveAll(c.dir) }

func (c *compiler) write(name, text string) string {
	c.check(os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644))
	return filepath.Join(c.dir, name)
}

func (c *compiler) check(err error) {
	if c.err == nil {
		c.err = err
	}
}

// build compiles a source; words ending in .so are libraries built before.
func (c *compiler) build(name, source string, words ...string) []byte {
	args := []string{"-o", name, c.write(name+".c", source), "-L."}
	for _, w := range words {
		if strings.HasSuffix(w, ".so") && !strings.HasPrefix(w, "-") {
			w = "-l:" + w
		}
		args = append(args, w)
	}
	args = append(args, "-Wl,--allow-shlib-undefined")
	cmd := exec.Command(c.name, args...)
	cmd.Dir = c.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		c.check(fmt.Errorf("%s %s: %v\n%s", c.name, strings.Join(args, " "), err, out))
		return nil
	}
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	c.check(err)
	return data
}

func (c *compiler) library(name, source string, words ...string) []byte {
	return c.build(name, source, append([]string{"-shared", "-fPIC", "-Wl,-soname," + name}, words...)...)
}

// program puts a program into an image, and gives the loader that it asks for.
func (c *compiler) program(s *Spec, at, source string, words ...string) (interp string) {
	data := c.build("program", source, words...)
	s.put(at, File{Data: data})
	f, err := elf.Open(filepath.Join(c.dir, "program"))
	if err != nil {
		c.check(err)
		return ""
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz-1)
			p.ReadAt(b, 0)
			return string(b)
		}
	}
	c.check(errors.New("the program has no loader"))
	return ""
}

// hostLibrary finds a library of this machine, by the compiler.
func (c *compiler) hostLibrary(name string) (string, error) {
	out, err := exec.Command(c.name, "-print-file-name="+name).Output()
	at := strings.TrimSpace(string(out))
	if err == nil && !filepath.IsAbs(at) {
		err = fmt.Errorf("%s does not find %s", c.name, name)
	}
	return filepath.Clean(at), err
}

// host copies files of this machine into an image, under the same paths.
func (c *compiler) host(s *Spec, paths ...string) error {
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		s.put(p, File{Data: data})
	}
	return nil
}

func firstError(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// foreignCopy is an ELF file relabelled for a machine that this one is not.
func foreignCopy(data []byte) []byte {
	b := append([]byte{}, data...)
	if len(b) > 20 {
		binary.LittleEndian.PutUint16(b[18:], 243) // RISC-V
	}
	return b
}

// cacheFile writes an /etc/ld.so.cache.
func cacheFile(libraries map[string]string) []byte {
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
	return append(append(head, entries...), texts...)
}

// busybox puts a static busybox of this machine's into an image, as env.
func busybox(s *Spec) error {
	at, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	data, err := os.ReadFile(at)
	if err != nil {
		return err
	}
	f, err := elf.Open(at)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("busybox is not static here")
		}
	}
	s.put("/bin/busybox", File{Data: data})
	s.put("/usr/bin/env", File{Link: "/bin/busybox"})
	return nil
}

// coreutils puts GNU env into an image, with its loader and the C library.
func coreutils(s *Spec) error {
	data, err := os.ReadFile("/usr/bin/env")
	if err != nil {
		return err
	}
	f, err := elf.Open("/usr/bin/env")
	if err != nil {
		return err
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil || len(libs) != 1 || libs[0] != "libc.so.6" {
		return fmt.Errorf("/usr/bin/env of this machine needs more than libc.so.6 (%v)", libs)
	}
	c, err := newCompiler("gcc")
	if err != nil {
		return err
	}
	defer c.close()
	lib, err := c.hostLibrary("libc.so.6")
	if err != nil {
		return err
	}
	interp := c.program(&Spec{}, "/x", mainC)
	s.put("/usr/bin/env", File{Data: data})
	return firstError(c.err, c.host(s, interp, lib))
}
