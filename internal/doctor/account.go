package doctor

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/user"

	"optimizing-dockerfile/internal/doctor/image"
)

// account is whom the process runs as.
type account struct {
	uid, gid int
	groups   []int
	home     string
	// past is there where the engine has not yet taken CAP_DAC_OVERRIDE away, and notes whether that decided something.
	past *bool
	meek bool // root without the capability to pass over modes
}

// root is the account that may search every folder.
var root = account{}

// maxGroups is how many groups a process may have beside its own (NGROUPS_MAX).
const maxGroups = 1 << 16

// maxAccounts is how much of /etc/passwd and /etc/group is read.
const maxAccounts = 8 << 20

// mayRun reports whether the account may execute the file, or search the
// folder: the kernel's generic_permission (fs/namei.c). Root may search every
// folder, and may execute what has an x bit for anyone (CAP_DAC_OVERRIDE, which
// engines leave to root and take from everybody else, sooner or later).
func (a account) mayRun(e image.Entry) bool {
	by := e.Mode.IsDir() || e.Mode.Perm()&0o111 != 0
	switch {
	case a.root() || a.has(e, 0o1):
		return !a.root() || by
	case a.past != nil && by:
		*a.past = true
		return true
	}
	return false
}

// mayRead is the same for reading, by a program that has started.
func (a account) mayRead(e image.Entry) bool { return a.root() || a.has(e, 0o4) }

// mayWrite is the same for writing.
func (a account) mayWrite(e image.Entry) bool { return a.root() || a.has(e, 0o2) }

// root reports whether modes count for nothing.
func (a account) root() bool { return a.uid == 0 && !a.meek }

// has reports whether the mode gives the account a right.
func (a account) has(e image.Entry, right fs.FileMode) bool {
	switch {
	case a.uid == e.UID:
		right <<= 6
	case a.gid == e.GID, slices.Contains(a.groups, e.GID):
		right <<= 3
	}
	return e.Mode&right != 0
}

// named turns USER into numbers, with the daemon's own resolver: it reads the image's
// account files, and takes them for empty where they are not there.
func (x *examination) named(ctx context.Context, spec string) (*user.ExecUser, error) {
	passwd, err := x.accountFile(ctx, "/etc/passwd")
	if err != nil {
		return nil, err
	}
	group, err := x.accountFile(ctx, "/etc/group")
	if err != nil {
		return nil, err
	}
	return user.GetExecUser(spec, nil, passwd, group)
}

// accountFile opens /etc/passwd or /etc/group as the daemon does: links are
// followed inside the image, and a file that cannot be opened counts as none.
func (x *examination) accountFile(ctx context.Context, path string) (io.Reader, error) {
	at, _, err := x.files.look(ctx, path, root)
	switch {
	case err != nil:
		return nil, err
	case at.Mode.IsDir():
		return unreadable{}, nil
	case !at.Mode.IsRegular() || at.Size == 0: // or it is not there
		return nil, nil
	}
	f, err := x.files.open(ctx, at.Path)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f, 0, min(f.Size(), maxAccounts)), nil
}

// unreadable is a folder where a file should be: opening it succeeds, reading does not.
type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errors.New("is a directory") }

// imageFault picks out the errors that are about reading the image, not about what it holds.
func imageFault(err error) error {
	var fault *image.Fault
	if errors.As(err, &fault) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, image.ErrTooLarge) {
		return err
	}
	return nil
}

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
func (x *examination) notPermitted(at place) error {
	var all []string
	for lacking := lackingCaps(at.Caps, x.options.capable()); lacking != 0; lacking &= lacking - 1 {
		number := bits.TrailingZeros64(lacking)
		name := fmt.Sprintf("capability %d", number)
		if number < len(capabilityNames) {
			name = "CAP_" + capabilityNames[number]
		}
		all = append(all, name)
	}
	if all == nil {
		return nil
	}
	names := strings.Join(all, ", ")
	return x.cannot(UserCannotExecute, facts{Name: at.Path, At: at.Path, Capability: names},
		Evidence{"the file demands what containers lack unless it is added (xattr security.capability)", at.Path, names}, x.runsAs())
}

// capabilityNames are the names in linux/capability.h, by their numbers.
var capabilityNames = strings.Fields("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP " +
	"LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO " +
	"SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE " +
	"AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF " +
	"CHECKPOINT_RESTORE")

// secure reports whether the kernel tells the loader to trust nobody (AT_SECURE): the program changes
// its user or group, or brings capabilities to a user who is not root (cap_bprm_creds_from_file).
func (x *examination) secure(at place) bool {
	if at.Mode&fs.ModeSetuid != 0 && at.UID != x.as.uid || at.Mode&fs.ModeSetgid != 0 && at.GID != x.as.gid {
		return true
	}
	permitted, effective := fileCaps(at.Caps)
	return x.as.uid != 0 && (effective || permitted&x.options.capable() != 0)
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

// become goes on as the user that a text names.
func (x *examination) become(ctx context.Context, spec string, asked Evidence) error {
	name, group, _ := strings.Cut(spec, ":")
	for _, part := range []string{name, group} {
		if n, err := strconv.Atoi(part); number.MatchString(part) && (err != nil || n < 0 || n > math.MaxInt32) {
			return x.cannot(UserOutOfRange, facts{User: spec, Name: part, By: x.becomes(asked)}, asked,
				Evidence{"a number out of the range of users and groups", asked.Path, part + ", and the last is 2147483647"})
		}
	}
	who, err := x.named(ctx, spec)
	if fault := imageFault(err); fault != nil {
		return fault
	}
	if err != nil {
		if _, err := x.named(ctx, name); err == nil {
			return x.unlisted(ctx, UnknownGroup, spec, group, asked)
		}
		return x.unlisted(ctx, UnknownUser, spec, name, asked)
	}
	x.as = account{uid: who.Uid, gid: who.Gid, groups: append(who.Sgids, x.options.Groups...), home: cmp.Or(who.Home, "/"),
		meek: x.options.capable()&overrides == 0}
	if n := len(x.as.groups); n > maxGroups {
		return unknown("%q is in %d groups, and Linux gives a process at most %d", spec, n, maxGroups)
	}
	return nil
}

// becomes names the program that is to become another user; empty: it is USER that says so.
func (x *examination) becomes(asked Evidence) string {
	if asked.Path != "config.User" && asked.Path != x.called("--user") {
		return asked.Path
	}
	return ""
}

// unlisted is the finding that an account file lacks a name.
func (x *examination) unlisted(ctx context.Context, cause Cause, spec, name string, asked Evidence) error {
	file := map[Cause]string{UnknownUser: "/etc/passwd", UnknownGroup: "/etc/group"}[cause]
	have := "no such file in the image"
	if at, there, _ := x.files.look(ctx, file, root); there {
		have = fmt.Sprintf("%d bytes, and no entry for %q", at.Size, name)
	}
	return x.cannot(cause, facts{User: spec, Name: name, By: x.becomes(asked)}, asked, Evidence{"the account must be listed in", file, have})
}

// number matches what engines take for a number of a user.
var number = regexp.MustCompile(`^[+-]?[0-9]+$`)
