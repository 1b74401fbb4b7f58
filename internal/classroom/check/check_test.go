package check

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/run"
)

func files(entries ...image.Entry) contents {
	all := contents{}
	for _, e := range entries {
		all[e.Path] = &file{Entry: e}
	}
	return all
}

func link(at, to string) image.Entry {
	return image.Entry{Path: at, Mode: fs.ModeSymlink | 0o777, Link: to}
}

// Links are followed inside of the image, those of folders too, and no loop holds it up.
func TestFollowsLinks(t *testing.T) {
	c := files(
		image.Entry{Path: "/usr/bin/busybox", Mode: 0o755, Size: 1},
		link("/bin", "usr/bin"), link("/usr/bin/sh", "busybox"), link("/sh", "/bin/sh"), link("/up", "../../usr/bin/busybox"),
		link("/a", "b"), link("/b", "a"), link("/nowhere", "gone"),
	)
	for _, at := range []string{"/usr/bin/busybox", "/bin/busybox", "/bin/sh", "/sh", "/up"} {
		require.NotNil(t, c.resolve(at), at)
		assert.Equal(t, "/usr/bin/busybox", c.resolve(at).Path, at)
	}
	for _, at := range []string{"/a", "/nowhere", "/bin/none"} {
		assert.Nil(t, c.resolve(at), at)
	}
}

// Who may change an account file: its owner, whoever may write it, and whoever may
// put another in its place.
func TestWhoMayChangeTheAccounts(t *testing.T) {
	id := 12345
	service := doctor.User{UID: &id, GID: &id, Groups: []int{7}}
	etc := image.Entry{Path: "/etc", Mode: fs.ModeDir | 0o755}
	for name, c := range map[string]struct {
		passwd, etc image.Entry
		says        string
	}{
		"root's":             {image.Entry{Mode: 0o644}, etc, ""},
		"its own, read-only": {image.Entry{Mode: 0o444, UID: 12345}, etc, "it is the service's own"},
		"everybody's":        {image.Entry{Mode: 0o646}, etc, "user 12345, group 12345 may write it"},
		"its group's":        {image.Entry{Mode: 0o664, GID: 12345}, etc, "user 12345, group 12345 may write it"},
		"a further group's":  {image.Entry{Mode: 0o664, GID: 7}, etc, "user 12345, group 12345 may write it"},
		"another group's":    {image.Entry{Mode: 0o664, GID: 8}, etc, ""},
		"its folder":         {image.Entry{Mode: 0o644}, image.Entry{Path: "/etc", Mode: fs.ModeDir | 0o755, UID: 12345}, "may put another file in the place"},
		"everybody's folder": {image.Entry{Mode: 0o644}, image.Entry{Path: "/etc", Mode: fs.ModeDir | 0o777}, "may put another file in " +
			"the place"},
		"a sticky folder":     {image.Entry{Mode: 0o644}, image.Entry{Path: "/etc", Mode: fs.ModeDir | fs.ModeSticky | 0o777}, ""},
		"a folder not listed": {image.Entry{Mode: 0o644}, image.Entry{Path: "/other", Mode: fs.ModeDir | 0o777}, ""},
	} {
		c.passwd.Path = "/etc/passwd"
		all := files(c.passwd, c.etc)
		how := canChange(service, all, all["/etc/passwd"])
		assert.Equal(t, c.says == "", how == "", "%s: %s", name, how)
		assert.Contains(t, how, c.says, name)
	}
}

// A program is known by what is in it, wherever the pieces fall in which it is read.
func TestKnowsAProgramByItsContent(t *testing.T) {
	for text, want := range map[string]file{
		"\x7fELF" + strings.Repeat("x", 256<<10) + "BusyBox v1.35":        {elf: true, shell: true},
		"\x7fELF" + strings.Repeat("x", (256<<10)+50) + "path\tcmd/gofmt": {elf: true, toolchain: true},
		"\x7fELF\xff Go buildinf:":                                        {elf: true, golang: true},
		"#!/bin/sh\n# BusyBox v1. and path\tcmd/go":                       {},
		"": {},
	} {
		var got file
		require.NoError(t, got.scan(strings.NewReader(text)))
		assert.Equal(t, want, got)
	}
	for i := range 200 { // across the border between two readings
		var got file
		require.NoError(t, got.scan(strings.NewReader("\x7fELF"+strings.Repeat("x", 256<<10-100+i)+"BusyBox v1.35")))
		assert.True(t, got.shell, i)
	}
}

// In a build context may lie what is no file: a link to what has no end, a file
// that is large. Sources are small files.
func TestSourcesAreSmallFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large.go"), nil, 0o644))
	require.NoError(t, os.Truncate(filepath.Join(dir, "large.go"), 1<<40))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero.go")))
	found := sourcesIn(t.Context(), dir)
	assert.Equal(t, map[[32]byte]bool{sha256.Sum256([]byte("package main")): true}, found)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	assert.Empty(t, sourcesIn(ctx, filepath.Join(dir, "..")))
	_, err := readText(filepath.Join(dir, "zero.go"))
	assert.ErrorContains(t, err, "no regular file")
}

// A slip in a stage's name is the Dockerfile's fault; an image that is not here is not.
func TestTellsASlipFromAnImage(t *testing.T) {
	for text, fault := range map[string]string{
		"FROM golang\nFROM scratch\nCOPY --from=build /a /\n":          "--from=build names no stage: none has a name",
		"FROM golang AS build\nFROM scratch\nCOPY --from=biuld /a /\n": "--from=biuld names no stage: those with a name are: build",
		"FROM golang\nFROM scratch\nCOPY --from=1 /a /\n": "" +
			"--from=1: there is no stage of that number before it; of 2 stages the first is 0",
		"FROM scrach\n": "FROM scrach names no stage: none has a name",
		"FROM alpine\nCOPY --from=busybox /a /\n": "",
		"FROM gcr.io/distroless/static\n":         "",
		"FROM golnag:1.15\n":                      "",
		"ARG BASE\nFROM $BASE\n":                  "a FROM names no image",
	} {
		d, got := dockerfile.Parse(text), ""
		for _, ref := range d.References() {
			if !isGolang(ref.Image) && got == "" {
				got = namesNothing(d, ref)
			}
		}
		assert.Equal(t, fault, got, text)
	}
}

// A builder that knows no here-document takes its lines for instructions: that is no slip of the Dockerfile's.
func TestTellsASlipFromAHereDocumentOfAnOldBuilder(t *testing.T) {
	const words = "dockerfile parse error line 3: unknown instruction: %s"
	const podmans = `checking on sources under "/tmp/001": copier: stat: "/<<END": no such file or directory`
	lacks := func(text, builder, words string) string {
		s := &subject{Request: Request{Engine: &engine.Engine{Builder: builder}}, file: dockerfile.Parse(text)}
		return s.lacks(words)
	}
	const text = "FROM scratch\nCOPY <<END /etc/passwd\necho:*:12345\nEND\nRUNN true\n"
	for unknown, its := range map[string]bool{"ECHO:*:12345": true, "RUNN": false} {
		lack := lacks(text, engine.BuildKit, fmt.Sprintf(words, unknown))
		assert.Equal(t, its, lack != "", "%s: %s", unknown, lack)
	}
	assert.NotEmpty(t, lacks(text, engine.Buildah, podmans))
	assert.Empty(t, lacks(text, engine.Buildah, strings.Replace(podmans, "/<<END", "/passwd", 1)))
	assert.Empty(t, lacks("FROM scratch\nRUNN true\n", engine.BuildKit, fmt.Sprintf(words, "RUNN")))
}

// What a stand-in or an older Go lacks is not the Dockerfile's fault.
func TestTellsWhatWasGivenLacks(t *testing.T) {
	s := &subject{Request: Request{Engine: &engine.Engine{Builder: engine.Legacy}}, file: dockerfile.Parse("FROM golang:1.16-alpine\n")}
	s.asked = []string{"golang:1.16-alpine"}
	for words, says := range map[string]string{
		"/bin/sh: apk: not found":              "has the command apk",
		"/bin/sh: echos: not found":            "",
		"stat etc/ssl/cert.pem: no such file":  "may well have /etc/ssl/cert.pem",
		`"/usr/lib/libz.so": not found`:        "may well have /usr/lib/libz.so",
		"package cmd/x is not in GOROOT":       "has the source of cmd/x",
		"go: module requires Go 1.16":          "the older one that was given says: module requires Go 1.16",
		"unknown flag: mount":                  "what BuildKit can do",
		"the --chmod option requires BuildKit": "what BuildKit can do",
	} {
		lack := s.lacks(words)
		assert.Equal(t, says == "", lack == "", "%s: %s", words, lack)
		assert.Contains(t, lack, says)
	}
}

// A hint that no goal or cause asks for is a slip of the pen, and each goal has one for what is not foreseen.
func TestEachHintIsAskedFor(t *testing.T) {
	causes := []doctor.Cause{"else", "user-set", run.CommandNotFound, run.ToolchainTooOld, run.VCSStatus, run.CompileError,
		run.LoopbackOnly, run.NoAnswer, run.WrongAnswer, run.Exited}
	for _, cause := range doctor.Causes() {
		causes = append(causes, cause.Cause)
	}
	assert.Subset(t, Goals, slices.Collect(maps.Keys(facts.Hints)))
	assert.Subset(t, Goals, slices.Collect(maps.Keys(facts.Instructions)))
	for _, goal := range Goals {
		assert.Subset(t, causes, slices.Collect(maps.Keys(facts.Hints[goal])), goal)
		assert.True(t, goal == Answers || facts.Hints[goal]["else"] != "", goal)
	}
}
