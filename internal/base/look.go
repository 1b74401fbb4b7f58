package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"optimizing-dockerfile/internal/engine"
)

// lookTime bounds how long an unknown image may take to answer.
const lookTime = 30 * time.Second

// looks counts, so that no two containers of this process have one name.
var looks atomic.Int64

// script asks an image for what a step's outcome turns on. The folders of
// official golang images are on PATH whatever the image's own PATH is. Up to
// 1.19 a Go release brings the compiled standard library along: net.a is of it.
const script = `PATH=$PATH:/usr/local/go/bin
go version
ls -d /lib/ld-musl-*.so.1 /lib*/ld-linux*.so.* /lib/*/ld-linux*.so.* 2>/dev/null
command -v ${CC:-gcc} >/dev/null && echo has compiler
test -e /usr/include/stdlib.h && echo has headers
command -v adduser >/dev/null && echo has adduser
ls "$(go env GOROOT)"/pkg/linux_*/net.a >/dev/null 2>&1 && echo has std
echo cgo "$(go env CGO_ENABLED)"`

// look finds out what an image holds; of one that does not tell, nothing.
func look(ctx context.Context, e *engine.Engine, id string) (Facts, error) {
	name := fmt.Sprintf("optimizing-dockerfile-look-%d-%d", os.Getpid(), looks.Add(1))
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	args := append([]string{"run", "--rm", "--pull=never", "--network", "none", "--name", name, "--user", "0", "--entrypoint", "/bin/sh"}, engine.Ours()...)
	out, err := e.Output(looking, append(args, id, "-c", script)...)
	if err != nil { // the container may be there still
		after, done := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second)
		e.Output(after, "rm", "-f", "-v", name)
		done()
	}
	var failed *engine.Failed
	switch {
	case ctx.Err() != nil:
		return Facts{}, ctx.Err()
	case errors.As(err, &failed), errors.Is(err, context.DeadlineExceeded):
		return Facts{}, nil // it has no shell, or not for this machine: nothing can be told
	case err != nil:
		return Facts{}, err
	}
	return understand(out), nil
}

// understand reads what the script printed. Where both loaders are there, the
// image is Alpine with a package for programs made elsewhere: musl is its own.
func understand(out string) Facts {
	var f Facts
	has := map[string]bool{}
	for _, line := range strings.Split(out, "\n") {
		line = strings.TrimSpace(line)
		if words, ok := strings.CutPrefix(line, "go version go"); ok {
			f.Go, _, _ = strings.Cut(words, " ")
		}
		has[line] = true
		switch {
		case strings.Contains(line, "/ld-musl-"):
			f.Libc = "musl"
		case strings.Contains(line, "/ld-linux") && f.Libc == "":
			f.Libc = "glibc"
		}
	}
	f.Compiler, f.Adduser = has["has compiler"] && has["has headers"], has["has adduser"]
	switch {
	case has["has compiler"] && !has["has headers"]:
		f.odd = "a C compiler, but not the C library's headers"
	case f.Go != "" && !f.Cgo() && has["cgo 1"]:
		f.odd = "cgo switched on, but no C compiler"
	case f.Cgo() && has["cgo 0"]:
		f.odd = "cgo switched off by hand"
	case f.Go != "" && f.Cgo() && !f.Compiler && !has["has std"]:
		f.odd = "no compiled standard library, and no C compiler to make one"
	}
	return f
}
