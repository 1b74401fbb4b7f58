package base

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// foretold is in what a base does not resemble the article's.
type foretold struct{ noAdduser, cgoOff, glibc bool }

// What an image prints to the script decides what is foretold of it.
func TestForetellsFromWhatAnImageHolds(t *testing.T) {
	const musl, glibc = "/lib/ld-musl-x86_64.so.1\n", "/lib64/ld-linux-x86-64.so.2\n"
	const compiler = "has compiler\nhas headers\n"
	for name, c := range map[string]struct {
		out  string
		want foretold
	}{
		"the article's":          {"go version go1.15.7 linux/amd64\n" + musl + "has adduser\nhas std\ncgo 1", foretold{}},
		"1.19, musl, a compiler": {"go version go1.19.13 linux/amd64\n" + musl + compiler + "has adduser\nhas std\ncgo 1", foretold{}},
		"1.20, musl, a compiler": {"go version go1.20 linux/amd64\n" + musl + compiler + "has adduser\ncgo 1", foretold{}},
		"1.20, musl, none":       {"go version go1.20rc1 linux/amd64\n" + musl + "has adduser\ncgo 0", foretold{cgoOff: true}},
		"glibc, a compiler":      {"go version go1.27.4 linux/amd64\n" + glibc + compiler + "has adduser\ncgo 1", foretold{glibc: true}},
		"glibc, none":            {"go version go1.27.4 linux/amd64\n" + glibc + "has adduser\ncgo 0", foretold{cgoOff: true, glibc: true}},
		"no adduser":             {"go version go1.27.4 linux/amd64\n" + glibc + compiler + "cgo 1", foretold{noAdduser: true, glibc: true}},
		"1.16, glibc, none":      {"go version go1.16 linux/amd64\n" + glibc + "has adduser\nhas std\ncgo 1", foretold{glibc: true}},
	} {
		r := &Ready{Facts: understand(c.out)}
		require.NoError(t, r.Predictable(), name)
		assert.Equal(t, c.want, foretold{!r.Facts.Adduser, !r.Facts.Cgo(), r.Facts.Libc == "glibc"}, name)
	}
	for name, c := range map[string]struct{ out, says string }{
		"no Go":                  {musl + "has adduser\ncgo ", "no Go"},
		"too old":                {"go version go1.14.2 linux/amd64\n" + musl + "has std\ncgo 1", "1.15 or later"},
		"another C library":      {"go version go1.27.4 linux/amd64\nhas adduser\ncgo 0", "no C library"},
		"no headers":             {"go version go1.27.4 linux/amd64\n" + musl + "has compiler\ncgo 1", "headers"},
		"cgo off by hand":        {"go version go1.27.4 linux/amd64\n" + musl + compiler + "cgo 0", "by hand"},
		"cgo on by hand":         {"go version go1.27.4 linux/amd64\n" + musl + "cgo 1", "switched on"},
		"nothing to link net to": {"go version go1.19 linux/amd64\n" + musl + "cgo 1", "no compiled standard library"},
	} {
		err := (&Ready{Image: "some/image:1", Facts: understand(c.out)}).Predictable()
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), c.says, name)
		assert.Contains(t, err.Error(), "some/image:1", name)
	}
}
