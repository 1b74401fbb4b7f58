package check

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/engine/source"
)

// file is what an image holds at a path, as far as the goals ask for it.
type file struct {
	image.Entry
	elf       bool   // an ELF program or library
	golang    bool   // compiled by Go
	toolchain bool   // one of Go's own commands, whatever it is called here
	shell     bool   // busybox or toybox, whatever it is called here
	source    string // the file of the learner's folder that it is a copy of
	text      []byte // of an account file
}

// contents are an image's files, by path.
type contents map[string]*file

// maxText is how much of an account file, or of a possible copy, is read.
const maxText = 1 << 20

// What tells programs apart that may bear any name.
var (
	markGo        = []byte("\xff Go buildinf:")
	markToolchain = []byte("path\tcmd/")        // what Go 1.18 and later write into their own commands
	markRelease   = []byte("local/go/src/cmd/") // where older releases were compiled
	markBusybox   = []byte("BusyBox v1.")
	markToybox    = []byte("toybox multicall")
)

// read goes through all files of an image. sources are those of the learner's folder.
func read(ctx context.Context, e *engine.Engine, id string, sources map[[32]byte]string) (contents, error) {
	all := contents{}
	err := source.EachFile(ctx, e, id, func(entry image.Entry, content io.Reader) error {
		f := &file{Entry: entry}
		all[entry.Path] = f
		if !entry.Mode.IsRegular() {
			return nil
		}
		if entry.Size < maxText && entry.Mode&0o111 == 0 {
			text, err := io.ReadAll(content)
			if err != nil {
				return err
			}
			if len(text) > 0 {
				f.source = sources[sha256.Sum256(text)]
			}
			if isAccounts(entry.Path) {
				f.text = text
			}
			return nil
		}
		return f.scan(content)
	})
	return all, err
}

// scan looks into a program as it streams by. A shell script is read whole, too,
// since what it is called says nothing.
func (f *file) scan(content io.Reader) error {
	const overlap = 64
	buffer := make([]byte, overlap+256<<10)
	kept := 0
	for first := true; ; first = false {
		n, err := io.ReadFull(content, buffer[kept:])
		window := buffer[:kept+n]
		if first {
			f.elf = bytes.HasPrefix(window, []byte("\x7fELF"))
		}
		if f.elf {
			f.golang = f.golang || bytes.Contains(window, markGo)
			f.toolchain = f.toolchain || bytes.Contains(window, markToolchain) || bytes.Contains(window, markRelease)
			f.shell = f.shell || bytes.Contains(window, markBusybox) || bytes.Contains(window, markToybox)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !f.elf {
			return nil
		}
		kept = copy(buffer, window[len(window)-overlap:])
	}
}

// resolve follows links to what lies at a path; nil where nothing does.
func (c contents) resolve(name string) *file {
	name = path.Clean("/" + name)
	for range 40 {
		followed := false
		for i := 1; i <= len(name); i++ { // the folders on the way first
			if i < len(name) && name[i] != '/' {
				continue
			}
			f := c[name[:i]]
			if f == nil || !f.IsLink() {
				continue
			}
			target := f.Link
			if !path.IsAbs(target) {
				target = path.Join(path.Dir(name[:i]), target)
			}
			name, followed = path.Join(target, name[i:]), true
			break
		}
		if !followed {
			return c[name]
		}
	}
	return nil
}

// under gives all files in the order of their paths.
func (c contents) inOrder() []*file {
	all := make([]*file, 0, len(c))
	for _, f := range c {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *file) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// sourcesIn gives what a build context holds of a program's sources, by content.
func sourcesIn(ctx context.Context, dir string) map[[32]byte]string {
	found := map[[32]byte]string{}
	filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isSource(entry.Name()) {
			return ctx.Err()
		}
		if text, err := readText(at); err == nil && len(text) > 0 {
			found[sha256.Sum256(text)] = entry.Name()
		}
		return ctx.Err()
	})
	return found
}

// readText reads a file of less than a megabyte. A pipe or a device would have no end.
func readText(at string) ([]byte, error) {
	info, err := os.Stat(at)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() >= maxText {
		return nil, fmt.Errorf("%s is no regular file of less than %d bytes: it is not read", at, maxText)
	}
	file, err := os.Open(at)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxText)) // it may grow meanwhile
}

func isSource(name string) bool {
	switch name {
	case "go.mod", "go.sum", "go.work", "Makefile", "Dockerfile":
		return true
	}
	return slices.Contains([]string{".go", ".c", ".cc", ".cpp", ".h", ".hpp", ".s", ".S"}, path.Ext(name))
}

func isAccounts(name string) bool {
	return slices.Contains(accountFiles, name)
}

// accountFiles say who is who.
var accountFiles = []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"}
