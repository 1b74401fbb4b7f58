package doctor

import (
	"context"
	"debug/buildinfo"
)

// maxBuildinfo is up to which size a program is searched for Go's build information.
const maxBuildinfo = 128 << 20

// isGo reports whether a program was built by Go, and remembers how.
func (x *examination) isGo(ctx context.Context, at place) (is bool) {
	defer func() { // debug/buildinfo reads what nobody has checked
		if recover() != nil {
			is = false
		}
	}()
	if x.info != nil || x.asked {
		return x.golang
	}
	x.asked = true
	if at.Size > maxBuildinfo {
		return false
	}
	f, err := x.files.img.Open(ctx, at.Path)
	if err != nil {
		return false
	}
	info, err := buildinfo.Read(f)
	if err != nil {
		return false
	}
	x.info, x.golang = info, true
	return true
}
