// Package bundle puts all that a learner without a network needs into one file,
// and takes it out again: the tool's binaries, the lesson's folders, and the
// base's images with the app's modules.
//
// The file is a plain tar, so that `tar xf` and `sha256sum --check` are enough to
// look into it. Its first entry, SHA256SUMS, lists every other entry in their
// order; the second, bundle.json, says what they are.
package bundle

import (
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
)

// Folder is the one folder that all entries of a bundle lie in.
const Folder = "optimizing-dockerfile"

// Entries with a meaning of their own.
const (
	sums      = "SHA256SUMS"
	manifest  = "bundle.json"
	toolsDir  = "bin"
	imagesDir = "images"
)

// Manifest says what is in a bundle.
type Manifest struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"` // bundle
	Tools  []Tool `json:"tools"`
	Bases  []Base `json:"bases"`
}

// Tool is this program, for one kind of machine.
type Tool struct {
	OS   string `json:"os"` // as in GOOS
	Arch string `json:"arch"`
	File string `json:"file"` // the entry, below Folder
}

// Base is an image that stands behind FROM, for one kind of machine, with the
// app's modules in it.
type Base struct {
	ID     string `json:"id"`     // in bases.yaml
	Image  string `json:"image"`  // the name that it gets in the engine
	Recipe string `json:"recipe"` // the digest by which a clone knows that it is the right one
	Arch   string `json:"arch"`
	Bytes  int64  `json:"bytes"` // in the engine
	File   string `json:"file"`
}

// Here gives the tool for this machine.
func (m Manifest) Here() (Tool, error) {
	for _, t := range m.Tools {
		if t.OS == runtime.GOOS && t.Arch == runtime.GOARCH {
			return t, nil
		}
	}
	return Tool{}, fmt.Errorf("the bundle holds no tool for %s on %s", runtime.GOOS, runtime.GOARCH)
}

// For gives the bases for an engine's kind of machine.
func (m Manifest) For(arch string) ([]Base, error) {
	var fit []Base
	var others []string
	for _, b := range m.Bases {
		if b.Arch == arch {
			fit = append(fit, b)
		} else {
			others = append(others, b.Arch)
		}
	}
	if len(fit) == 0 {
		return nil, fmt.Errorf("the bundle holds no base for %s, only for %s\n"+
			"On a machine with such an engine: bundle --join THIS_FILE makes one that holds both.", arch, strings.Join(others, ", "))
	}
	return fit, nil
}

// executable is the name of a program on a system.
func executable(name, os string) string {
	if os == "windows" {
		return name + ".exe"
	}
	return name
}

func toolFile(os, arch string) string {
	return path.Join(toolsDir, executable("steps-"+os+"-"+arch, os))
}

func imageFile(id, arch string) string { return path.Join(imagesDir, id+"-"+arch+".tar.gz") }

// entry is a file of a bundle.
type entry struct {
	name   string // below Folder, with slashes
	sum    string // SHA-256, hexadecimal
	size   int64
	offset int64 // where its content begins in the file
	run    bool  // it is a program
}

// Bundle is a file that was checked from the first byte to the last.
type Bundle struct {
	Manifest
	Path string
	Sum  string // SHA-256 of the whole file, hexadecimal
	Size int64

	file    *os.File
	entries []entry
}

// Close closes the file.
func (b *Bundle) Close() error { return b.file.Close() }

// Reader reads the whole file. Any number may read at once.
func (b *Bundle) Reader() *io.SectionReader { return io.NewSectionReader(b.file, 0, b.Size) }

// Entry reads an entry in place, and gives its SHA-256. Any number may read at once.
func (b *Bundle) Entry(name string) (content *io.SectionReader, sum string, err error) {
	for _, e := range b.entries {
		if e.name == name {
			return io.NewSectionReader(b.file, e.offset, e.size), e.sum, nil
		}
	}
	return nil, "", fmt.Errorf("%s holds no %s", b.Path, name)
}
