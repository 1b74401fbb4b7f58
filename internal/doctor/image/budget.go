package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// What one image may cost, whatever number of layers, files, libraries or folders
// it spreads that over. The largest images in use hold some 400,000 files.
const (
	freeBytes = 256 << 20 // unpacked ones, whatever the archive's size
	perByte   = 130       // and so many more for each byte of the archive
	mostKept  = 128 << 20 // bytes of memory, for files and names
	mostWork  = 16 << 20  // steps on paths, or what takes as long: a few seconds

	// A byte that is unpacked costs as much as so many that come out: twelve of them can be a block
	// with tables and nothing in it.
	costOfPacked = 30
)

// Costs in memory of what a name brings with it.
const (
	costOfNode   = 256
	costOfFolder = 272 // its first file
	costOfGone   = 64  // that a layer has taken away
)

// spent is the end of a budget: the doctor cannot tell then, as with ErrTooLarge.
type spent string

func (s spent) Error() string        { return string(s) }
func (s spent) Is(target error) bool { return target == ErrTooLarge }

const (
	errTooMany spent = "it has more files, names or symbols than any image in use"
	errTooSlow spent = "it leads through more folders, links or symbols than any image in use"
	errBomb    spent = "it unpacks to over a hundred times its size: refused as an archive bomb"
)

// Budget is what an image may still cost. All that read it draw from the same,
// and learn from it that the work is no longer wanted.
type Budget struct {
	ctx                  context.Context
	unpacked, kept, work int64 // what is left
}

// NewBudget is the budget for an image in an archive of some size.
func NewBudget(ctx context.Context, size int64) *Budget {
	return &Budget{ctx, freeBytes + perByte*size, mostKept, mostWork}
}

// Keep takes bytes of memory that stay in use.
func (b *Budget) Keep(n int64) error {
	if b.kept -= n; b.kept < 0 {
		return errTooMany
	}
	return nil
}

// Borrow gives a function that gives back the memory which is kept from here on.
func (b *Budget) Borrow() (back func()) {
	kept := b.kept
	return func() { b.kept = kept }
}

// Work takes time: a step on a path is one unit.
func (b *Budget) Work(n int64) error {
	before := b.work
	if b.work -= n; b.work < 0 {
		return errTooSlow
	}
	if before>>8 != b.work>>8 {
		return b.ctx.Err()
	}
	return nil
}

// Walk visits the entries of a tar. None has a longer path than the kernel takes, and each is work.
func (b *Budget) Walk(r io.Reader, visit func(h *tar.Header, content io.Reader) error) error {
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && !errors.Is(err, errBomb):
			err = fmt.Errorf("it is no whole tar: %w", err)
		case err == nil && (len(h.Name) > MaxPath || len(h.Linkname) > MaxPath):
			err = fmt.Errorf("it has a path of over %d bytes", MaxPath)
		case err == nil:
			err = b.Work(8 + int64(strings.Count(h.Name, "/")+strings.Count(h.Linkname, "/")))
		}
		if err == nil {
			err = visit(h, archive)
		}
		if err != nil {
			return err
		}
	}
}

// Paid is a file whose reading is work. Who reads it can take more from the budget by it.
type Paid struct {
	File
	*Budget
}

// ReadAt is as the file's.
func (p Paid) ReadAt(b []byte, off int64) (int, error) {
	if err := p.Work(int64(1 + len(b)>>8)); err != nil {
		return 0, err
	}
	return p.File.ReadAt(b, off)
}

// unpack takes bytes that a decompressor gave.
func (b *Budget) unpack(n int64) error {
	if b.unpacked -= n; b.unpacked < 0 {
		return errBomb
	}
	return b.ctx.Err()
}

// Bounds of execve (MAX_ARG_STRLEN, and a quarter of the usual stack): beyond them it fails with E2BIG.
const (
	maxWord  = 128 << 10
	maxWords = 2 << 20
)

// TooLong says that no process can be started with what a config says.
func (c Config) TooLong() error {
	all := 0
	words := slices.AppendSeq([]string{c.WorkingDir, c.User, c.OS, c.Architecture, c.Variant}, maps.Keys(c.Volumes))
	if c.Healthcheck != nil {
		words = append(words, c.Healthcheck.Test...)
	}
	for _, word := range slices.Concat(words, c.Entrypoint, c.Cmd, c.Env, c.Shell) {
		if len(word) >= maxWord {
			return fmt.Errorf("its config holds a word of %d bytes, and Linux gives a process none of over %d", len(word), maxWord)
		}
		all += len(word) + 1
	}
	if all > maxWords {
		return fmt.Errorf("its config holds words of %d bytes together, and Linux gives a process at most %d", all, maxWords)
	}
	return nil
}
