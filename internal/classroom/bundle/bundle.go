// Package bundle puts all that a learner without a network needs into one file,
// and takes it out again: the tool's binaries, the lesson's folders, and the
// base's images with the app's modules.
//
// The file is a plain tar, so that `tar xf` and `sha256sum --check` are enough to
// look into it. Its first entry, SHA256SUMS, lists every other entry in their
// order; the second, bundle.json, says what they are.
package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
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

// For gives the bases for an engine's kind of machine.
func (m Manifest) For(arch string) (fit []Base, err error) {
	var others []string
	for _, b := range m.Bases {
		if b.Arch == arch {
			fit = append(fit, b)
		} else {
			others = append(others, b.Arch)
		}
	}
	if len(fit) == 0 {
		err = fmt.Errorf("the bundle holds no base for %s, only for %s\n"+
			"On a machine with such an engine: bundle --join THIS_FILE makes one that holds both.", arch, strings.Join(others, ", "))
	}
	return fit, err
}

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

// File is one in a bundle, or on its way into one.
type File struct {
	Name    string // below Folder, with slashes
	Program bool   // it can be run

	content *io.SectionReader
	sum     string // SHA-256, hexadecimal; of one in a bundle
}

// InMemory is a file of a few words.
func InMemory(name string, text []byte) File {
	return File{Name: name, content: io.NewSectionReader(bytes.NewReader(text), 0, int64(len(text)))}
}

// reader reads the content from its beginning. Any number may read at once.
func (f File) reader() *io.SectionReader { return io.NewSectionReader(f.content, 0, f.content.Size()) }

func (f File) digest() (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, f.reader()); err != nil {
		return "", fmt.Errorf("%s: %w", f.Name, err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

func (f File) mode() fs.FileMode {
	if f.Program {
		return 0o755
	}
	return 0o644
}

// Write writes a bundle. The same files give the same bytes.
func Write(out io.Writer, m Manifest, files []File) error {
	m.Schema, m.Kind = 1, "bundle"
	all, err := sealed(m, files)
	if err != nil {
		return err
	}
	return write(out, all)
}

// sealed gives all files of a bundle in their order, each with its sum.
func sealed(m Manifest, files []File) ([]File, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	all := append([]File{{}, InMemory(manifest, append(text, '\n'))}, files...)
	var list bytes.Buffer
	for i := range all[1:] {
		f := &all[i+1]
		if err := checkName(f.Name); err != nil {
			return nil, err
		}
		if f.sum, err = f.digest(); err != nil {
			return nil, err
		}
		fmt.Fprintf(&list, "%s  %s\n", f.sum, f.Name)
	}
	all[0] = InMemory(sums, list.Bytes())
	return all, nil
}

// write writes files as they are in a bundle: nothing in it depends on the day, the user or the machine.
func write(out io.Writer, files []File) error {
	w := tar.NewWriter(out)
	for _, f := range files {
		h := &tar.Header{Name: path.Join(Folder, f.Name), Size: f.content.Size(), Mode: int64(f.mode()), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if _, err := io.Copy(w, f.reader()); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return w.Close()
}

// checkName refuses what could lead out of the folder, on any system.
func checkName(name string) error {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\:\x00\n") {
		return fmt.Errorf("%q is no name for a file of a bundle", name)
	}
	return nil
}
