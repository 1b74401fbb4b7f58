package doctor

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/doctor/elf"
	"optimizing-dockerfile/internal/doctor/image"
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
	f, err := x.files.open(ctx, at.Path)
	if err != nil {
		return false
	}
	file, err := elf.Parse(f, f.Size())
	if err != nil || !file.Ordinary() {
		return false
	}
	info, err := buildinfo.Read(pieces{f})
	if err != nil {
		return false
	}
	x.info, x.golang = info, true
	return true
}

// pieces is a file that is not read by the megabyte: debug/buildinfo asks for what a file claims.
type pieces struct{ io.ReaderAt }

func (p pieces) ReadAt(b []byte, off int64) (int, error) {
	if len(b) > 1<<20 {
		return 0, image.ErrTooLarge
	}
	return p.ReaderAt.ReadAt(b, off)
}

// now is the clock; tests have their own.
var now = time.Now

// unsupported says that a Go release is no longer supported, by the project's
// own calendar: one in February and one in August, each supported until the
// second one after it (https://go.dev/doc/devel/release#policy). Empty: it is, or nobody knows.
func unsupported(version string) string {
	rest, ok := strings.CutPrefix(version, "go1.")
	if !ok {
		return ""
	}
	digits := strings.FieldsFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return ""
	}
	minor, err := strconv.Atoi(digits[0])
	if err != nil || minor > 1000 {
		return ""
	}
	// Go 1.21 came in August 2023.
	end := time.Date(2023, time.August, 28, 0, 0, 0, 0, time.UTC).AddDate(0, 6*(minor-21)+12, 0)
	if now().Before(end) {
		return ""
	}
	return fmt.Sprintf("It is built with %s, whose support ended in %s: known vulnerabilities stay in it", version, end.Format("January 2006"))
}
