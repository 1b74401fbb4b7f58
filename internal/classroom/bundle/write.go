package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// File is one on its way into a bundle.
type File struct {
	Name    string                        // below Folder, with slashes
	Open    func() (io.ReadCloser, error) // its content; it is read twice
	Program bool                          // it can be run
}

// OnDisk is a file of this machine.
func OnDisk(name, path string, program bool) File {
	return File{name, func() (io.ReadCloser, error) { return os.Open(path) }, program}
}

// InMemory is a file of a few words.
func InMemory(name string, text []byte) File {
	return File{name, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }, false}
}

// Write writes a bundle. The same files give the same bytes.
func Write(out io.Writer, m Manifest, files []File) error {
	m.Schema, m.Kind = 1, "bundle"
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	files = append([]File{InMemory(manifest, append(text, '\n'))}, files...)
	var list strings.Builder
	sizes := make([]int64, len(files))
	for i, f := range files {
		if err := checkName(f.Name); err != nil {
			return err
		}
		sum := sha256.New()
		if sizes[i], err = f.copyTo(sum); err != nil {
			return err
		}
		fmt.Fprintf(&list, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), f.Name)
	}
	w := tar.NewWriter(out)
	if err := InMemory(sums, []byte(list.String())).put(w, int64(list.Len())); err != nil {
		return err
	}
	for i, f := range files {
		if err := f.put(w, sizes[i]); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return w.Close()
}

func (f File) copyTo(w io.Writer) (int64, error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return io.Copy(w, in)
}

func (f File) put(w *tar.Writer, size int64) error {
	if err := w.WriteHeader(header(f.Name, size, f.Program)); err != nil {
		return err
	}
	_, err := f.copyTo(w)
	return err
}

// header is the one that an entry has: nothing in it depends on the day, the
// user or the machine.
func header(name string, size int64, run bool) *tar.Header {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: path.Join(Folder, name), Size: size, Mode: 0o644, Format: tar.FormatUSTAR}
	if run {
		h.Mode = 0o755
	}
	return h
}

// checkName refuses what could lead out of the folder, on any system.
func checkName(name string) error {
	if name == "" || path.Clean(name) != name || path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") ||
		strings.ContainsAny(name, "\\:\x00\n") {
		return fmt.Errorf("%q is no name for a file of a bundle", name)
	}
	return nil
}
