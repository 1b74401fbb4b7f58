package elf

import "encoding/binary"

// CacheOrder is the byte order of a machine's /etc/ld.so.cache.
func CacheOrder(machine uint16) binary.ByteOrder {
	if machine == MS390 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// CacheFlags are the flags of the entries of /etc/ld.so.cache that a machine's
// loader takes (glibc's _DL_CACHE_DEFAULT_ID in sysdeps/*/dl-cache.h).
func CacheFlags(machine uint16, class byte) (flags uint32, known bool) {
	switch machine {
	case MX86_64:
		return 0x0303, class == Class64
	case MAARCH64:
		return 0x0a03, true
	case M386:
		return 0x0003, true
	}
	return 0, false
}
