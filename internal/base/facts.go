package base

import (
	"fmt"
	"strconv"
	"strings"
)

// Facts are what an image holds, as far as the steps turn on it.
type Facts struct {
	Go, Libc          string // versions and names as in Base; "" unknown
	Compiler, Adduser bool

	odd string // in what it is unlike every official golang image
}

func (b Base) facts() Facts {
	return Facts{Go: b.Go, Libc: b.Libc, Compiler: b.Compiler, Adduser: b.Adduser}
}

// Predictable gives an error where nobody can foretell the steps' ends on the base.
func (r *Ready) Predictable() error {
	f := r.Facts
	cannot := func(why string) error {
		return fmt.Errorf("what the steps do on %s cannot be told beforehand, so there is nothing to hold them against: %s\n"+
			"Use an image shaped like an official golang one, such as golang:1.27-alpine.", r.Image, why)
	}
	switch {
	case f.Go == "":
		return cannot("it holds no Go, or no shell to ask for it")
	case f.minor() < 15:
		return cannot("the app needs Go 1.15 or later; it holds " + f.Go)
	case f.Libc == "":
		return cannot("it holds no C library that is known here")
	case f.odd != "":
		return cannot("it has " + f.odd)
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
