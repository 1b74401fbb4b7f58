package base

import (
	"bufio"
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/test/engines"
)

// fakeDocker makes a docker that has no image the only program on PATH, and
// gives the engine that it plays. What it does to pull is a shell's lines.
func fakeDocker(t *testing.T, pull string) *engine.Engine {
	t.Helper()
	return engines.Scripted(t, `case "$1 $2" in
"info --format") echo '{"ServerVersion":"0","OSType":"linux","Architecture":"x86_64"}' ;;
"image inspect") echo "Error: No such image: $5" >&2; exit 1 ;;
"pull "*) `+pull+` ;;
esac
`)
}

const unreachable = `echo 'Error response from daemon: Get "https://registry.example.org/v2/": no such host' >&2; exit 1`

// A base that cannot be had says what was tried, why it failed, and what to do now.
func TestUnobtainable(t *testing.T) {
	e := fakeDocker(t, unreachable)
	c, err := Load(bases)
	require.NoError(t, err)
	b, _ := c.Find("article")
	_, err = Ensure(context.Background(), e, b, nil)
	var cannot *Unobtainable
	require.ErrorAs(t, err, &cannot)
	why := "needs Debian or Ubuntu: there is no apt-get on PATH"
	if runtime.GOOS != "linux" {
		why = "needs Debian or Ubuntu"
	}
	assert.Equal(t, `the base golang:1.15.7-alpine3.13 cannot be had here
  present: no, and no stand-in for it either
  pull:    Get "https://registry.example.org/v2/": no such host
  rebuild: `+why+`
Ways out, any one of them:
  connect this machine, then: docker pull golang:1.15.7-alpine3.13
  load a teacher's bundle:    `+program.Call()+` load FILE
  on Debian or Ubuntu, with a network, run the same again: a stand-in is rebuilt
  use another golang image that is here: --base IMAGE`, err.Error())
}

func TestAnUnknownImageIsNotRebuilt(t *testing.T) {
	e := fakeDocker(t, unreachable)
	_, err := Ensure(context.Background(), e, Base{ID: "golang:9", Image: "golang:9"}, nil)
	var cannot *Unobtainable
	require.ErrorAs(t, err, &cannot)
	assert.Equal(t, []string{"present: no", `pull:    Get "https://registry.example.org/v2/": no such host`}, cannot.Tried)
	assert.NotContains(t, err.Error(), "Debian")
}

func TestADeniedPull(t *testing.T) {
	e := fakeDocker(t, "echo denied >&2; exit 1")
	err := pull(context.Background(), e, []string{"docker", "pull", "golang:9"}, nil)
	assert.EqualError(t, err, "the registry wants a login, or refuses the one that is kept here (denied)")
}

// onTerminal is a reporter that lends a terminal.
type onTerminal struct{ *os.File }

func (onTerminal) Say(string)       {}
func (o onTerminal) Lend() *os.File { return o.File }

// The engine itself shows how far a pull is, on the reader's own terminal.
func TestAPullShowsItsProgressOnTheTerminal(t *testing.T) {
	display, terminal, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	defer display.Close()
	e := fakeDocker(t, "test -t 1 && echo half of it")
	require.NoError(t, pull(context.Background(), e, []string{"docker", "pull", "golang:9"}, onTerminal{terminal}))
	terminal.Close()
	shown, err := bufio.NewReader(display).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "half of it\r\n", shown)
}

func TestAPullEndsWithItsContext(t *testing.T) {
	e := fakeDocker(t, "/bin/sleep 60")
	ctx, stop := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer stop()
	begin := time.Now()
	_, err := Ensure(ctx, e, Base{ID: "golang:9", Image: "golang:9"}, nil)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(begin), 5*time.Second)
}

func TestUnderstand(t *testing.T) {
	for out, want := range map[string][2]string{
		"go version go1.15.7 " +
			"linux/amd64\n/lib/ld-musl-x86_64.so.1": {"1.15.7", "musl"},
		"go version go1.27rc1 " +
			"linux/arm64\r\n/lib/ld-linux-aarch64.so.1\r\n/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1": {"1.27rc1", "glibc"},
		"/lib/ld-musl-x86_64.so.1\n/lib/ld-linux-x86-64.so.2": {"", "musl"},
		"/bin/sh: go: not found":                              {"", ""},
	} {
		f := understand(out)
		assert.Equal(t, want, [2]string{f.Go, f.Libc}, out)
	}
}

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
		"no adduser": {"go version go1.27.4 linux/amd64\n" + glibc + compiler + "cgo 1",
			foretold{noAdduser: true, glibc: true}},
		"1.16, glibc, none": {"go version go1.16 linux/amd64\n" + glibc + "has adduser\nhas std\ncgo 1", foretold{glibc: true}},
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

// What engines really say of a registry that gives nothing, and what it comes to.
func TestARefusedPullIsSaidAsWhatItIs(t *testing.T) {
	const name = `failed to resolve reference "docker.io/library/golang:1": `
	for want, all := range map[string][]string{
		"pull limit": {
			"toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
			"unknown: " + name + "unexpected status from HEAD request to https://registry-1.docker.io/v2/x: 429 Too Many Requests",
			"Error: initializing source docker://golang:1: reading manifest 1 in docker.io/library/golang: toomanyrequests: slow down",
		},
		"certificate": {
			`Get "https://registry-1.docker.io/v2/": x509: certificate signed by unknown authority`,
			name + "failed to do request: tls: failed to verify certificate: x509: certificate signed by unknown authority",
		},
		"wants a login": {
			"unauthorized",
			"Get https://registry-1.docker.io/v2/x: unauthorized: incorrect username or password",
		},
		"no such image": {
			"pull access denied for x, repository does not exist or may require 'docker login': denied",
			"manifest for golang:9 not found: manifest unknown: manifest unknown",
		},
		"broke off": {
			"short read: expected 218874368 bytes but got 1015808: unexpected EOF",
			"read tcp 10.0.0.2:41522->104.16.99.215:443: read: connection reset by peer",
		},
		"": {
			`Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout`,
			`Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host`,
			"failed to register layer: write /usr/local/go/pkg/linux_amd64_4290/net.a: no space left on device",
		},
	} {
		for _, words := range all {
			err := understood(words, "docker", "docker pull golang:1")
			assert.Contains(t, err.Error(), words, "the engine's own words stay")
			var known *refusal
			if !assert.Equal(t, want != "", errors.As(err, &known), words) || want == "" {
				continue
			}
			assert.Contains(t, known.what, want, words)
			assert.True(t, strings.HasSuffix(known.way, "docker pull golang:1"), known.way)
			assert.NotContains(t, known.way, "%", "every word is filled in")
		}
	}
}
