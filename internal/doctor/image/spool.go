package image

import (
	"io"
	"os"
)

// How much is kept of the files that a stream brings. Whoever examines an image
// reads programs, libraries and the account files; of the rest, the first bytes.
const (
	keepHead  = 4 << 10
	keepSmall = 64 << 10  // files up to this size are kept whole
	keepEtc   = 16 << 20  // the same in /etc: accounts, the loader's cache
	keepELF   = 512 << 20 // and of ELF files
	KeepAll   = 4 << 30   // of all files together: bytes
)

const elfMagic = "\x7fELF"

// Span is where a file's content lies in the spool, and how much of it.
type Span struct{ offset, kept, size int64 }

// Spool keeps the contents of files in one temporary file that has no name any
// more where the system allows that: whatever ends this process ends it too.
type Spool struct {
	file *os.File
	name string // where it still has one
	used int64
}

// NewSpool gives an empty one.
func NewSpool() (*Spool, error) {
	f, err := os.CreateTemp("", "optimizing-dockerfile-*")
	if err != nil {
		return nil, err
	}
	s := &Spool{file: f, name: f.Name()}
	if os.Remove(s.name) == nil {
		s.name = ""
	}
	return s, nil
}

// Keep copies a file's content from r, as much of it as is worth it.
func (s *Spool) Keep(r io.Reader, name string, size int64, sparse bool) (Span, error) {
	head := make([]byte, min(size, keepHead))
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF {
		return Span{}, err
	}
	head = head[:n]
	limit := int64(keepSmall)
	switch {
	case sparse: // mostly holes, that would become zeros here
		limit = 0
	case len(head) >= 4 && string(head[:4]) == elfMagic:
		limit = keepELF
	case len(name) > 5 && name[:5] == "/etc/":
		limit = keepEtc
	}
	at := Span{offset: s.used, size: size}
	if _, err := s.file.WriteAt(head, s.used); err != nil {
		return Span{}, err
	}
	s.used += int64(n)
	at.kept = int64(n)
	if size > int64(n) && size <= limit && s.used+size <= KeepAll {
		more, err := io.Copy(io.NewOffsetWriter(s.file, s.used), r)
		s.used += more
		at.kept += more
		if err != nil {
			return Span{}, err
		}
	}
	return at, nil
}

// Open gives what was kept of a file.
func (s *Spool) Open(at Span) File {
	return &spooled{io.NewSectionReader(s.file, at.offset, at.kept), at}
}

// File is the one that it keeps everything in.
func (s *Spool) File() *os.File { return s.file }

// Close removes it.
func (s *Spool) Close() error {
	err := s.file.Close()
	if s.name != "" {
		os.Remove(s.name)
	}
	return err
}

type spooled struct {
	section *io.SectionReader
	Span
}

func (f *spooled) Size() int64  { return f.size }
func (f *spooled) Close() error { return nil }

func (f *spooled) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.section.ReadAt(p, off)
	if err == io.EOF && f.kept < f.size && off+int64(len(p)) > f.kept {
		err = ErrTooLarge
	}
	return n, err
}
