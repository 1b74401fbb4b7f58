package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/engine"
)

// Damaged is a file that is not what `bundle` wrote.
type Damaged struct{ Path, Why string }

func (d *Damaged) Error() string {
	return fmt.Sprintf("%s is damaged, or no bundle: %s", d.Path, d.Why)
}

// Open opens a bundle and checks all of it. The error is a *Damaged where the
// file can be read and is not what `bundle` wrote, down to the last byte.
func Open(file string) (*Bundle, error) {
	// Before it is opened: a pipe would wait for a writer.
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, &Damaged{file, "it is not a regular file"}
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Path: file, file: in}
	if err := b.check(); err != nil {
		in.Close()
		var trouble *os.PathError // a disk that cannot be read, a folder
		if errors.As(err, &trouble) {
			return nil, err
		}
		return nil, &Damaged{file, err.Error()}
	}
	return b, nil
}

// check reads the whole file once. It writes what it understood anew, into a
// digest: that the two are equal covers also what lies between the entries.
func (b *Bundle) check() error {
	read, again := sha256.New(), sha256.New()
	in := io.TeeReader(b.file, read) // nothing in between reads ahead
	at := func() int64 { offset, _ := b.file.Seek(0, io.SeekCurrent); return offset }
	archive, copied := tar.NewReader(in), tar.NewWriter(again)

	list, err := b.first(archive, copied)
	if err != nil {
		return err
	}
	for i, line := range list {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("it ends before %s", line.name)
		}
		if err != nil {
			return readable(err)
		}
		if h.Typeflag != tar.TypeReg || h.Name != path.Join(Folder, line.name) {
			return fmt.Errorf("it holds %q where %s should be", h.Name, line.name)
		}
		list[i].offset, list[i].size, list[i].run = at(), h.Size, h.Mode&0o100 != 0
		if err := copied.WriteHeader(header(line.name, h.Size, list[i].run)); err != nil {
			return err
		}
		content := sha256.New()
		if _, err := io.Copy(io.MultiWriter(content, copied), archive); err != nil {
			return readable(err)
		}
		if hex.EncodeToString(content.Sum(nil)) != line.sum {
			return fmt.Errorf("%s is not what %s says", line.name, sums)
		}
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("it holds more than %s lists", sums)
	}
	if err := copied.Close(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	if !bytes.Equal(read.Sum(nil), again.Sum(nil)) {
		return errors.New("what lies between its files is not as it was written")
	}
	b.entries, b.Size, b.Sum = list, at(), hex.EncodeToString(read.Sum(nil))
	return b.readManifest()
}

// first reads the list of all the others.
func (b *Bundle) first(archive *tar.Reader, copied *tar.Writer) ([]entry, error) {
	h, err := archive.Next()
	if err != nil || h.Name != path.Join(Folder, sums) || h.Size > 1<<20 {
		return nil, fmt.Errorf("it does not begin with %s/%s", Folder, sums)
	}
	text, err := io.ReadAll(archive)
	if err != nil {
		return nil, readable(err)
	}
	if err := copied.WriteHeader(header(sums, h.Size, false)); err != nil {
		return nil, err
	}
	if _, err := copied.Write(text); err != nil {
		return nil, err
	}
	var list []entry
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		sum, name, ok := strings.Cut(line, "  ")
		if !ok || len(sum) != 2*sha256.Size || checkName(name) != nil {
			return nil, fmt.Errorf("%s has a line that is none: %q", sums, line)
		}
		list = append(list, entry{name: name, sum: sum})
	}
	return list, nil
}

func (b *Bundle) readManifest() error {
	content, _, err := b.Entry(manifest)
	if err != nil {
		return err
	}
	if err := json.NewDecoder(content).Decode(&b.Manifest); err != nil {
		return fmt.Errorf("%s: %w", manifest, err)
	}
	if b.Kind != "bundle" || b.Schema != 1 {
		return fmt.Errorf("it is a %s of schema %d; this tool knows a bundle of schema 1", b.Kind, b.Schema)
	}
	var files []string
	for _, t := range b.Tools {
		if files = append(files, t.File); !kind.MatchString(t.OS) || !kind.MatchString(t.Arch) || t.File != toolFile(t.OS, t.Arch) {
			return fmt.Errorf("%s has a tool that is none: %q for %q on %q", manifest, t.File, t.OS, t.Arch)
		}
	}
	for _, base := range b.Bases {
		if files = append(files, base.File); !kind.MatchString(base.Arch) || base.File != imageFile(base.ID, base.Arch) || !own.MatchString(base.Image) {
			return fmt.Errorf("%s has a base that is none of ours: %q as %q for %q", manifest, base.File, base.Image, base.Arch)
		}
	}
	for i, file := range files {
		if slices.Contains(files[:i], file) {
			return fmt.Errorf("%s names %s twice", manifest, file)
		}
		if _, _, err := b.Entry(file); err != nil {
			return err
		}
	}
	return nil
}

// What a manifest says goes into scripts, onto screens and to the engine.
var (
	kind = regexp.MustCompile(`^[a-z0-9]+$`)
	own  = regexp.MustCompile(`^` + engine.Repository + `/[a-z0-9._/-]+:[A-Za-z0-9._-]+$`)
)

// readable puts the tar reader's errors into plain words.
func readable(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	return err
}
