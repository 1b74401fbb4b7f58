package base

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"optimizing-dockerfile/internal/engine"
)

// Facts are what an image holds, as far as the steps turn on it.
type Facts struct {
	Go       string `yaml:"go" json:"go"`        // the version; "" where it cannot be found out
	Libc     string `yaml:"libc" json:"libc"`    // musl or glibc; "" likewise
	Compiler bool   `yaml:"c_compiler" json:"-"` // a C compiler and the C library's headers are in it
	Adduser  bool   `yaml:"adduser" json:"-"`    // a program of that name is

	odd string // in what it is unlike every official golang image
}

// lookTime bounds how long an unknown image may take to answer.
const lookTime = 30 * time.Second

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
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	// By its label a container that does not end by itself is found, and removed, at the end of the run.
	args := append([]string{"run", "--rm", "--pull=never", "--network", "none", "--user", "0", "--entrypoint", "/bin/sh"}, engine.Ours()...)
	out, err := e.Output(looking, append(args, id, "-c", script)...)
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

var goVersion = regexp.MustCompile(`(?m)^go version go(\S+)`)

// understand reads what the script printed. Where both loaders are there, the
// image is Alpine with a package for programs made elsewhere: musl is its own.
func understand(out string) (f Facts) {
	has := func(words string) bool { return strings.Contains(out, words) }
	if m := goVersion.FindStringSubmatch(out); m != nil {
		f.Go = m[1]
	}
	switch {
	case has("/ld-musl-"):
		f.Libc = "musl"
	case has("/ld-linux"):
		f.Libc = "glibc"
	}
	f.Compiler, f.Adduser = has("has compiler") && has("has headers"), has("has adduser")
	switch {
	case has("has compiler") && !has("has headers"):
		f.odd = "a C compiler, but not the C library's headers"
	case f.Go != "" && !f.Cgo() && has("cgo 1"):
		f.odd = "cgo switched on, but no C compiler"
	case f.Cgo() && has("cgo 0"):
		f.odd = "cgo switched off by hand"
	case f.Go != "" && f.Cgo() && !f.Compiler && !has("has std"):
		f.odd = "no compiled standard library, and no C compiler to make one"
	}
	return f
}

// Predictable gives an error where nobody can foretell the steps' ends on the base.
func (r *Ready) Predictable() error {
	var why string
	switch {
	case r.Go == "":
		why = "it holds no Go, or no shell to ask for it"
	case r.minor() < 15:
		why = "the app needs Go 1.15 or later; it holds " + r.Go
	case r.Libc == "":
		why = "it holds no C library that is known here"
	case r.odd != "":
		why = "it has " + r.odd
	default:
		return nil
	}
	return fmt.Errorf("what the steps do on %s cannot be told beforehand, so there is nothing to hold them against: %s\n"+
		"Use an image shaped like an official golang one, such as golang:1.27-alpine.", r.Image, why)
}

// Cgo says whether Go uses cgo by itself: up to 1.19 always, since then where it
// finds a C compiler.
func (f Facts) Cgo() bool { return f.minor() < 20 || f.Compiler }

// minor is 20 of 1.20.3. Of what is no version of Go 1, it is later than all.
func (f Facts) minor() (minor int) {
	if _, err := fmt.Sscanf(f.Go, "1.%d", &minor); err != nil {
		return 1 << 30
	}
	return minor
}
