package doctor

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/bits"
	"strings"
)

// overrides are the capabilities by which root passes over a file's mode, whatever it is (CAP_DAC_OVERRIDE).
const overrides = 1 << 1

// containerCaps are the capabilities that docker gives a container, by their
// numbers in linux/capability.h (moby's oci/caps/defaults.go).
const containerCaps = 1<<0 | 1<<1 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<13 | 1<<18 | 1<<27 | 1<<29 | 1<<31

// strictEngines take root's rights from a user before the program is executed: its modes count. (Docker did from 18.06
// to 23, moby#36587 and #44804; containerd leaves them up to the execve, too.)
const strictEngines = "Podman, Docker before 24, and whatever gives no capabilities (--cap-drop=ALL, Kubernetes' restricted pods)"

// notPermitted finds a file capability that is to be in effect at once, and that
// no container has by default: the kernel then refuses execve with EPERM, to
// root as well (bprm_caps_from_vfs_caps in security/commoncap.c).
func (x *examination) notPermitted(at place) *finding {
	lacking := lackingCaps(at.Caps, x.start.capable())
	if lacking == 0 {
		return nil
	}
	var names []string
	for rest := lacking; rest != 0; rest &= rest - 1 {
		names = append(names, capabilityName(bits.TrailingZeros64(rest)))
	}
	return &finding{cause: UserCannotExecute, phase: PhaseExec, missing: at.Path,
		facts: facts{Name: at.Path, At: at.Path, Capability: strings.Join(names, ", "), User: x.describeUser()},
		evidence: []Evidence{
			{"the file demands what containers lack unless it is added (xattr security.capability)", at.Path, strings.Join(names, ", ")},
			{"the process runs as", "config.User", x.describeUser()},
		}}
}

// capabilityNames are the names in linux/capability.h, by their numbers.
var capabilityNames = strings.Fields("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
	"NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE " +
	"SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON " +
	"BPF CHECKPOINT_RESTORE")

func capabilityName(number int) string {
	if number < len(capabilityNames) {
		return "CAP_" + capabilityNames[number]
	}
	return fmt.Sprintf("capability %d", number)
}

// secure reports whether the kernel tells the loader to trust nobody (AT_SECURE): the program changes
// its user or group, or brings capabilities to a user who is not root (cap_bprm_creds_from_file).
func (x *examination) secure(at place) bool {
	if at.Mode&fs.ModeSetuid != 0 && at.UID != x.as.uid || at.Mode&fs.ModeSetgid != 0 && at.GID != x.as.gid {
		return true
	}
	permitted, effective := fileCaps(at.Caps)
	return x.as.uid != 0 && (effective || permitted&x.start.capable() != 0)
}

// lackingCaps are those that are to be in effect at once, and that the container does not have.
func lackingCaps(b []byte, have uint64) uint64 {
	permitted, effective := fileCaps(b)
	if !effective {
		return 0
	}
	return permitted &^ have
}

// fileCaps parses struct vfs_cap_data.
func fileCaps(b []byte) (permitted uint64, effective bool) {
	if len(b) < 12 {
		return 0, false
	}
	permitted = uint64(binary.LittleEndian.Uint32(b[4:]))
	if len(b) >= 20 {
		permitted |= uint64(binary.LittleEndian.Uint32(b[12:])) << 32
	}
	return permitted, binary.LittleEndian.Uint32(b)&1 != 0 // VFS_CAP_FLAGS_EFFECTIVE
}
