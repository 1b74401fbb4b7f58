package base

import (
	"bufio"
	"context"
	"os"
	"runtime"
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
	assert.Equal(t, []Attempt{{"present", "no"}, {"pull", `Get "https://registry.example.org/v2/": no such host`}}, cannot.Tried)
	assert.NotContains(t, err.Error(), "Debian")
}

func TestADeniedPull(t *testing.T) {
	e := fakeDocker(t, "echo denied >&2; exit 1")
	err := pull(context.Background(), e, "golang:9", e.Platform(), nil)
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
	require.NoError(t, pull(context.Background(), e, "golang:9", e.Platform(), onTerminal{terminal}))
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
		"go version go1.15.7 linux/amd64\n/lib/ld-musl-x86_64.so.1":                                                      {"1.15.7", "musl"},
		"go version go1.27rc1 linux/arm64\r\n/lib/ld-linux-aarch64.so.1\r\n/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1": {"1.27rc1", "glibc"},
		"/lib/ld-musl-x86_64.so.1\n/lib/ld-linux-x86-64.so.2":                                                            {"", "musl"},
		"/bin/sh: go: not found": {"", ""},
	} {
		f := understand(out)
		assert.Equal(t, want, [2]string{f.Go, f.Libc}, out)
	}
}
