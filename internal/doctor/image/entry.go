package image

import (
	"archive/tar"
	"io/fs"
	"strings"
)

// capsRecord is how a tar carries the file capabilities.
const capsRecord = "SCHILY.xattr.security.capability"

// maxCaps is the size of the longest struct vfs_ns_cap_data.
const maxCaps = 24

// modeBits are what chmod sets.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// EntryOf turns a tar's header into what the image holds; the path is the caller's.
func EntryOf(h *tar.Header) Entry {
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
