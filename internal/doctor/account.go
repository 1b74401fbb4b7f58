package doctor

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
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

// resolveUser turns USER into numbers, with the daemon's own resolver: it reads
// the image's account files, and takes them for empty where they are not there.
// The cause is empty where that succeeds.
func (x *examination) resolveUser(ctx context.Context, spec string) (Cause, error) {
	x.files.ahead(ctx, "/etc/passwd", "/etc/group")
	try := func(spec string) (*user.ExecUser, error) {
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
	who, err := try(spec)
	if fault := imageFault(err); fault != nil {
		return "", fault
	}
	if err != nil {
		name, _, _ := strings.Cut(spec, ":")
		if _, err := try(name); err == nil {
			return UnknownGroup, nil
		}
		return UnknownUser, nil
	}
	x.as = account{uid: who.Uid, gid: who.Gid, groups: append(who.Sgids, x.start.Groups...), home: cmp.Or(who.Home, "/"),
		meek: x.start.capable()&overrides == 0}
	return "", nil
}

// accountFile opens /etc/passwd or /etc/group as the daemon does: links are
// followed inside the image, and a file that cannot be opened counts as none.
func (x *examination) accountFile(ctx context.Context, path string) (io.Reader, error) {
	at, err := x.files.peek(ctx, path)
	var way *lookupError
	if errors.As(err, &way) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if at.Mode.IsDir() {
		return unreadable{}, nil
	}
	if !at.Mode.IsRegular() || at.Size == 0 {
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
