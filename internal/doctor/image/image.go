// Package image reads a container image without starting it: its config, and
// the files as it holds them. Who reads does not know where the image lies: in
// an engine, in a `docker save` tarball, in an OCI layout folder.
package image

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"optimizing-dockerfile/internal/doctor/elf"
)

// Image is one image, opened for reading.
type Image interface {
	// About is what is known of it beside its files.
	About() About
	// Lstat gives what lies at an absolute path, the link itself where it is
	// one. Every folder on the way must be a real folder: following links is
	// the caller's work. The error is fs.ErrNotExist where there is nothing.
	Lstat(ctx context.Context, path string) (Entry, error)
	// Open gives the content of a regular file; the path is as Lstat's.
	Open(ctx context.Context, path string) (File, error)
	// Close lets go of all that reading took: containers, processes, files.
	Close() error
}

// File is the content of a regular file. Reading beyond what could be kept of
// it gives ErrTooLarge.
type File interface {
	io.ReaderAt
	Size() int64
}

// Lister is an Image whose every file is known.
type Lister interface {
	// Walk gives each file, in the order of their paths.
	Walk() iter.Seq[Entry]
	// Lost gives each file that a later layer deletes or replaces, with the number of
	// that layer: they are in the image, and nobody can see them.
	Lost() iter.Seq2[Entry, int]
}

// Deeper is an Image whose layers are not known: Deep reads them all, which takes as long as the image is large.
type Deeper interface {
	Deep(ctx context.Context) (Image, error)
}

// About is what is known of an image beside its files.
type About struct {
	Name   string // it was asked for by: a reference, or a file's path
	ID     string // the digest of its config, as `docker images --no-trunc` shows it
	Config Config
}

// Config is what an image says about the process that it is meant for.
type Config struct {
	OS, Architecture, Variant string
	v1.Config                 `json:"Config"`
}

// Entry is what the image holds at a path.
type Entry struct {
	Path     string      // absolute and clean
	Mode     fs.FileMode // type, permissions, setuid, setgid, sticky
	UID, GID int
	Size     int64  // of a regular file
	Link     string // where a symbolic link points to, as it is written there
	Caps     []byte // the security.capability attribute, if any
}

// IsLink reports whether the entry is a symbolic link.
func (e Entry) IsLink() bool { return e.Mode&fs.ModeSymlink != 0 }

// NotFound says that there is no such image, and what to do now.
type NotFound struct{ Ref, Reason string }

func (n *NotFound) Error() string { return fmt.Sprintf("no image %q: %s", n.Ref, n.Reason) }

// Fault says that the image could not be read: the engine or the disk is at
// fault, or the file is no image.
type Fault struct {
	Ref string
	Err error
}

func (f *Fault) Error() string { return fmt.Sprintf("cannot read image %s: %v", f.Ref, f.Err) }

// Unwrap gives the reason.
func (f *Fault) Unwrap() error { return f.Err }

// ErrTooLarge is the error where a file is larger than what is read of one, or the image.
var ErrTooLarge = elf.ErrTooLarge

// Above gives the folders on the way to an absolute, clean path, from the top: not the root, not the path.
func Above(path string) []string {
	var up []string
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			up = append(up, path[:i])
		}
	}
	return up
}

// capsRecord is how a tar carries the file capabilities.
const capsRecord = "SCHILY.xattr.security.capability"

// maxCaps is the size of the longest struct vfs_ns_cap_data.
const maxCaps = 24

// modeBits are what chmod sets.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// entryOf turns a tar's header into what the image holds; the path is the caller's.
func entryOf(h *tar.Header) Entry {
	e := Entry{
		Mode: h.FileInfo().Mode(),
		UID:  h.Uid, GID: h.Gid,
	}
	if caps := h.PAXRecords[capsRecord]; len(caps) <= maxCaps { // the kernel takes no longer one
		e.Caps = []byte(caps)
	}
	switch h.Typeflag {
	case tar.TypeReg, '\x00', tar.TypeGNUSparse:
		e.Mode &^= fs.ModeType
		e.Size = h.Size
	case tar.TypeSymlink:
		e.Link = strings.Clone(h.Linkname) // it may be a part of a megabyte
	case tar.TypeDir:
		e.Mode = e.Mode&^fs.ModeType | fs.ModeDir
	}
	return e
}

// Platform is what an image is for, in Go's words: linux and amd64.
type Platform struct{ OS, Arch string }

// String writes it as --platform takes it; "" for none.
func (p Platform) String() string {
	if p == (Platform{}) {
		return ""
	}
	return p.OS + "/" + p.Arch
}

// ParsePlatform reads OS/ARCH; what follows it, a variant, is passed over.
func ParsePlatform(text string) (Platform, error) {
	f := strings.Split(text, "/")
	if len(f) < 2 || len(f) > 3 || f[0] == "" || f[1] == "" {
		return Platform{}, fmt.Errorf("%q is no platform; write linux/amd64 or linux/arm64", text)
	}
	return Platform{OS: f[0], Arch: f[1]}, nil
}

// MarshalText writes it into a document.
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads it there.
func (p *Platform) UnmarshalText(text []byte) (err error) {
	if len(text) > 0 {
		*p, err = ParsePlatform(string(text))
	}
	return err
}
