package image

import (
	"archive/tar"
	"io/fs"
)

// capsRecord is how a tar carries the file capabilities.
const capsRecord = "SCHILY.xattr.security.capability"

// modeBits are what chmod sets.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// EntryOf turns a tar's header into what the image holds; the path is the caller's.
func EntryOf(h *tar.Header) Entry {
	e := Entry{
		Mode: h.FileInfo().Mode(),
		UID:  h.Uid, GID: h.Gid,
		Caps: []byte(h.PAXRecords[capsRecord]),
	}
	switch h.Typeflag {
	case tar.TypeReg, '\x00', tar.TypeGNUSparse:
		e.Mode &^= fs.ModeType
		e.Size = h.Size
	case tar.TypeSymlink:
		e.Link = h.Linkname
	case tar.TypeDir:
		e.Mode = e.Mode&^fs.ModeType | fs.ModeDir
	}
	return e
}
