package base

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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

// Predictable gives an error where nobody can foretell the steps' ends on the base.
func (r *Ready) Predictable() error {
	cannot := func(why string) error {
		return fmt.Errorf("what the steps do on %s cannot be told beforehand, so there is nothing to hold them against: %s\n"+
			"Use an image shaped like an official golang one, such as golang:1.27-alpine.", r.Image, why)
	}
	switch {
	case r.Go == "":
		return cannot("it holds no Go, or no shell to ask for it")
	case r.minor() < 15:
		return cannot("the app needs Go 1.15 or later; it holds " + r.Go)
	case r.Libc == "":
		return cannot("it holds no C library that is known here")
	case r.odd != "":
		return cannot("it has " + r.odd)
	}
	return nil
}

// Cgo says whether Go uses cgo by itself: up to 1.19 always, since then where it
// finds a C compiler.
func (f Facts) Cgo() bool { return f.minor() < 20 || f.Compiler }

// minor is 20 of 1.20.3. Of what is no version of Go 1, it is later than all.
func (f Facts) minor() int {
	parts := strings.FieldsFunc(f.Go, func(r rune) bool { return r < '0' || r > '9' })
	if len(parts) < 2 || parts[0] != "1" {
		return 1 << 30
	}
	minor, _ := strconv.Atoi(parts[1])
	return minor
}
