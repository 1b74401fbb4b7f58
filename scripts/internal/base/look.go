package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"optimizing-dockerfile/scripts/internal/engine"
)

// lookTime bounds how long an unknown image may take to answer.
const lookTime = 30 * time.Second

// looks counts, so that no two containers of this process have one name.
var looks atomic.Int64

// script asks an image for its Go version and its loaders. The folders of
// official golang images are on PATH whatever the image's own PATH is.
const script = `PATH=$PATH:/usr/local/go/bin; go version; ls -d /lib/ld-musl-*.so.1 /lib*/ld-linux*.so.* /lib/*/ld-linux*.so.* 2>/dev/null; true`

// look finds out which Go version and which libc an image holds; "" for what
// it does not tell.
func look(ctx context.Context, e *engine.Engine, id string) (version, libc string, err error) {
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
		return "", "", ctx.Err()
	case errors.As(err, &failed), errors.Is(err, context.DeadlineExceeded):
		return "", "", nil // it has no shell, or not for this machine: nothing can be told
	case err != nil:
		return "", "", err
	}
	version, libc = understand(out)
	return version, libc, nil
}

// understand reads what the script printed. Where both loaders are there, the
// image is Alpine with a package for programs made elsewhere: musl is its own.
func understand(out string) (version, libc string) {
	for _, line := range strings.Split(out, "\n") {
		line = strings.TrimSpace(line)
		if words, ok := strings.CutPrefix(line, "go version go"); ok {
			version, _, _ = strings.Cut(words, " ")
		}
		switch {
		case strings.Contains(line, "/ld-musl-"):
			libc = "musl"
		case strings.Contains(line, "/ld-linux") && libc == "":
			libc = "glibc"
		}
	}
	return version, libc
}
