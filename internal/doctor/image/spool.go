package image

import (
	"bytes"
	"debug/elf"
	"io"
	"os"
	"strings"
)

// How much is kept of the files that a stream brings. Whoever examines an image
// reads programs, libraries and the account files; of the rest, the first bytes.
const (
	keepHead  = 4 << 10
	keepSmall = 64 << 10  // files up to this size are kept whole
	keepEtc   = 16 << 20  // the same in /etc: accounts, the loader's cache
	keepELF   = 512 << 20 // and of ELF files
	keepAll   = 4 << 30   // of all files together: bytes
)

// span is where a file's content lies in the spool, and how much of it.
type span struct{ offset, kept, size int64 }

// spool keeps the contents of files in one temporary file that has no name any
// more where the system allows that: whatever ends this process ends it too. The zero value is an empty one.
type spool struct {
	file *os.File
	name string // where it still has one
	used int64
}

// open makes the file, where that was not done yet.
func (s *spool) open() (err error) {
	if s.file != nil {
		return nil
	}
	if s.file, err = os.CreateTemp("", "optimizing-dockerfile-*"); err == nil && os.Remove(s.file.Name()) != nil {
		s.name = s.file.Name()
	}
	return err
}

// keep copies a file's content from r, as much of it as is worth it.
func (s *spool) keep(r io.Reader, name string, size int64, sparse bool) (at span, err error) {
	if err := s.open(); err != nil {
		return span{}, err
	}
	head := make([]byte, min(size, int64(len(elf.ELFMAG))))
	if _, err := io.ReadFull(r, head); err != nil {
		return span{}, err
	}
	limit := int64(keepSmall)
	switch {
	case sparse: // mostly holes, that would become zeros here
		limit = 0
	case string(head) == elf.ELFMAG:
		limit = keepELF
	case strings.HasPrefix(name, "/etc/"):
		limit = keepEtc
	}
	most := size
	if size > limit || s.used+size > keepAll {
		most = min(size, keepHead)
	}
	at = span{offset: s.used, size: size}
	all := io.MultiReader(bytes.NewReader(head), r)
	at.kept, err = io.Copy(io.NewOffsetWriter(s.file, s.used), io.LimitReader(all, most))
	s.used += at.kept
	return at, err
}

// at gives what was kept of a file.
func (s *spool) at(at span) File {
	return &spooled{io.NewSectionReader(s.file, at.offset, at.kept), at}
}

// discard removes it.
func (s *spool) discard() {
	s.file.Close() // of none, too
	if s.name != "" {
		os.Remove(s.name)
	}
}

type spooled struct {
	section *io.SectionReader
	span
}

func (f *spooled) Size() int64 { return f.size }

func (f *spooled) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.section.ReadAt(p, off)
	if err == io.EOF && f.kept < f.size && off+int64(len(p)) > f.kept {
		err = ErrTooLarge
	}
	return n, err
}
