package doctor

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// containerCaps are the capabilities that docker gives a container, by their
// numbers in linux/capability.h (moby's oci/caps/defaults.go).
const containerCaps = 1<<0 | 1<<1 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<13 | 1<<18 | 1<<27 | 1<<29 | 1<<31

// notPermitted finds a file capability that is to be in effect at once, and that
// no container has by default: the kernel then refuses execve with EPERM, to
// root as well (bprm_caps_from_vfs_caps in security/commoncap.c).
func (x *examination) notPermitted(at place) *finding {
	lacking := lackingCaps(at.Caps)
	if lacking == 0 {
		return nil
	}
	number := bits.TrailingZeros64(lacking)
	return &finding{cause: UserCannotExecute, phase: PhaseExec, missing: at.Path,
		facts: facts{Name: at.Path, At: at.Path, Capability: fmt.Sprint(number), User: x.describeUser()},
		evidence: []Evidence{
			{"the file demands a capability (xattr security.capability) that containers lack unless it is added", at.Path, fmt.Sprintf("capability %d of linux/capability.h", number)},
			{"the process runs as", "config.User", x.describeUser()},
		}}
}

// lackingCaps parses struct vfs_cap_data.
func lackingCaps(b []byte) uint64 {
	if len(b) < 12 || binary.LittleEndian.Uint32(b)&1 == 0 { // VFS_CAP_FLAGS_EFFECTIVE
		return 0
	}
	permitted := uint64(binary.LittleEndian.Uint32(b[4:]))
	if len(b) >= 20 {
		permitted |= uint64(binary.LittleEndian.Uint32(b[12:])) << 32
	}
	return permitted &^ containerCaps
}
