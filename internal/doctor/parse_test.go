package doctor

import (
	"bytes"
	"context"
	debug "debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor/elf"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/test/engines"
)

func TestShebang(t *testing.T) {
	for head, want := range map[string]shebang{
		"#!/bin/sh\nrest":       {line: "/bin/sh", interp: "/bin/sh"},
		"#! \t/bin/sh  -e x \n": {line: " \t/bin/sh  -e x ", interp: "/bin/sh", arg: "-e x"},
		"#!/bin/sh\r\n":         {line: "/bin/sh\r", interp: "/bin/sh\r", crlf: true},
		"#!/bin/sh -e\r\n":      {line: "/bin/sh -e\r", interp: "/bin/sh", arg: "-e\r", crlf: true},
		"#!/bin/sh":             {line: "/bin/sh", interp: "/bin/sh"},
	} {
		have, ok := parseShebang([]byte(head))
		assert.True(t, ok, "%q", head)
		assert.Equal(t, want, have, "%q", head)
	}
	for _, head := range []string{"#!", "#!\n/bin/sh", "#!  \t\n", "#!" + strings.Repeat("x", headBytes-2)} {
		_, ok := parseShebang([]byte(head))
		assert.False(t, ok, "%q", head)
	}
}

func TestEnvCommand(t *testing.T) {
	for arg, want := range map[string]string{
		"python3": "python3", "python3 -u": "python3 -u", "-S python3 -u": "python3", "-S A=b python3": "python3",
		"-S -i python3": "python3", "-S -u PATH python3": "python3", "-S 'my python' x": "my python", "-Spython3": "python3",
		"A=b": "", "-C /x python3": "-C /x python3", "-S": "", "-i": "",
	} {
		have, _ := envCommand([]string{arg}, map[string]string{"PATH": "/bin"})
		assert.Equal(t, want, strings.Join(have[:min(1, len(have))], ""), arg)
	}
	_, env := envCommand([]string{"-i", "x"}, map[string]string{"PATH": "/bin"})
	assert.Empty(t, env)
}

func TestCommandLines(t *testing.T) {
	env := map[string]string{"APP": "/srv/app -x"}
	for line, want := range map[string]string{
		"/app --port=$PORT": "/app", "exec /app": "/app", "A=b c=d ./app": "./app", `"/app" x`: "/app", `'/app x' y`: "/app x", "$APP y": "/srv/app",
		`exec "$APP" y`: "/srv/app -x", "exec -a x /app": "", "$DIR/app": "/app", "/a\\ b": "/a b", "${APP:-x}": "", `"/ap"p`: "/app",
		"$HOSTNAME": "",
		`"$@"`:      "/first", "$0": "sh", "{a,b}": "", "{/app,": "{/app,", "/app # x": "/app", "'/app": "", "": "", "exec": "",
		"cd / && ./app": "", "a | b": "", "~/app": "", "/a*": "", "$(which app)": "", "$NONE": "", "`x`": "",
	} {
		words, _ := plainCommand(line, env, "sh", "/first", "second")
		assert.Equal(t, want, strings.Join(words[:min(1, len(words))], ""), line)
	}
	for line, broken := range map[string]bool{
		`["/app", $X]`: true, "['/app']": true, "[“/app”]": true, "[ '/a' ]": true, `["/app"`: true, "[app, x]": true,
		`"/app", "x"`: true, `{"/app", "x"}`: true, `"/app" x, "y"`: false, "[[ -f x ]]": false, `['a', 'b && c']`: true,
		"[/app]":           true,
		"[ -f x ] && /app": false, `[ "$X" = 1 ] || /app`: false, `[ "$X" ]; /app`: false, "/app [x]": false, "[": false,
	} {
		assert.Equal(t, broken, brokenList(line), line)
	}
}

// Each wrapper's options are told from the program's own.
func TestWrappers(t *testing.T) {
	for line, want := range map[string]string{
		"tini -p KILL -- /app -p": "/app", "tini-static-amd64 -vg -e 143 /app": "/app", "dumb-init --rewrite " +
			"15:3 -c /app": "/app", "gosu app /app": "/app",
		"su-exec 1:2 /app": "/app", "setpriv --reuid=1 --regid 2 --clear-groups /app": "/app", "chpst -u app -e " +
			"/env /app": "/app", "nice -n5 /app": "/app",
		"nice --adjustment 5 /app": "/app", "time -f %e /app": "/app", "timeout -s KILL --kill-after 5 9 /app": "/app", "timeout 9": "",
		"stdbuf -oL --error=0 /app": "/app", "ionice -c2 -n 7 /app": "/app",
	} {
		words := strings.Fields(line)
		w, known := wrapperOf(words[0])
		assert.True(t, known, line)
		_, rest := w.options(words[1:])
		assert.Equal(t, want, strings.Join(rest[min(w.before, len(rest)):][:min(1, len(rest)-min(w.before, len(rest)))], ""), line)
	}
}

func TestGoReleases(t *testing.T) {
	now = func() time.Time { return time.Date(2026, time.November, 24, 0, 0, 0, 0, time.UTC) }
	t.Cleanup(func() { now = time.Now })
	for version, old := range map[string]bool{
		"go1.15.7": true, "go1.25.1": true, "go1.26": false, "go1.27.4": false, "devel go1.28-abc": false, "": false, "go1.x": false,
	} {
		assert.Equal(t, old, unsupported(version) != "", version)
	}
}

func TestFormatsAreToldByTheirFirstBytes(t *testing.T) {
	for is, magics := range texts().Formats {
		for _, magic := range magics {
			begins, err := strconv.Unquote(`"` + magic + `"`)
			require.NoError(t, err, magic)
			assert.Equal(t, is, formatOf([]byte(begins+"...")), magic)
		}
	}
	assert.Contains(t, formatOf([]byte("\xfe\xed\xfa\xce")), "macOS")
	assert.Contains(t, formatOf([]byte("\x00...")), "no known format")
}

func TestEveryEndOfAWayHasItsWords(t *testing.T) {
	for _, kind := range []broken{absent, dangling, looping, through, closed, running, lacking} {
		assert.NotEmpty(t, texts().Ends[kind], kind)
	}
	assert.Equal(t, "the links on the way to /a lead in a circle (/b -> /a)",
		(&lookupError{kind: looping, path: "/a", at: "/b", link: "/b -> /a"}).Error())
}

func TestFileCapabilities(t *testing.T) {
	caps := func(number int, effective byte) []byte {
		b := make([]byte, 20)
		b[3], b[0] = 2, effective
		b[4+number/32*8+number%32/8] = 1 << (number % 8)
		return b
	}
	assert.Zero(t, lackingCaps(caps(10, 1), containerCaps), "net_bind_service is every container's")
	assert.NotZero(t, lackingCaps(caps(21, 1), containerCaps), "sys_admin is nobody's")
	assert.Zero(t, lackingCaps(caps(21, 0), containerCaps), "not in effect at once")
	assert.NotZero(t, lackingCaps(caps(38, 1), containerCaps))
	assert.Zero(t, lackingCaps([]byte{1}, containerCaps))
}

// What an image says must not steer the terminal of who reads it.
func TestScreenIsPlain(t *testing.T) {
	no := false
	var out bytes.Buffer
	d := &Diagnosis{Image: "x\x1b[2J", Starts: &no, Cause: MissingShell, Summary: "\x1b]0;title\a " + strings.Repeat("word ", 60),
		Evidence: []Evidence{{"claim", "/\x1b[31m", "\u202e"}}, Fix: Fix{"text", "A\nB"}}
	assert.NoError(t, Screen(&out, d, false, 80))
	assert.NotContains(t, out.String(), "\x1b")
	assert.NotContains(t, out.String(), "\u202e")
	assert.True(t, strings.HasPrefix(out.String(), "CANNOT START"))
	for _, line := range strings.Split(out.String(), "\n") {
		assert.LessOrEqual(t, len([]rune(line)), 80, line)
	}
}

func FuzzShebang(f *testing.F) {
	f.Add("#!/usr/bin/env -S a 'b c' ${PATH} \\_ # x\n")
	f.Fuzz(func(t *testing.T, head string) {
		if !strings.HasPrefix(head, "#!") {
			return
		}
		if s, ok := parseShebang([]byte(head[:min(len(head), headBytes)])); ok {
			if s.interp == "" {
				t.Error("an interpreter without a name")
			}
			envCommand([]string{s.arg}, map[string]string{"PATH": "/bin"})
			plainCommand(s.arg, map[string]string{})
		}
	})
}

func FuzzLoaderCache(f *testing.F) {
	f.Add(append(append([]byte{}, cacheMagic...), make([]byte, 100)...))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseCache(b, &elf.File{Order: binary.LittleEndian, Machine: debug.EM_X86_64, Class: debug.ELFCLASS64})
	})
}

func TestAListOfVariablesHasAnEnd(t *testing.T) {
	env := map[string]string{"X": strings.Repeat("x", 1000)}
	assert.Len(t, listWords(strings.Repeat(`"$X",`, 10), env), 10)
	assert.Empty(t, listWords(strings.Repeat(`"$X",`, 100), env))
}

// The doctor and docs/causes tell of each cause, and every text is a template that can be filled.
func TestEveryCauseHasItsRow(t *testing.T) {
	assert.Len(t, Causes(), 22)
	for _, r := range slices.Concat(texts().Causes, texts().Refusals) {
		fix := r.fix(r.Example)
		for name, text := range map[string]string{
			"title": r.Title, "meaning": r.Meaning, "proof": r.Proof, "summary": fill(r.Summary, r.Example), "fix": fix.Text,
			"dockerfile": fix.Dockerfile,
		} {
			assert.NotEmpty(t, text, "%s: %s", r.Cause, name)
		}
		for _, fix := range r.Fixes {
			assert.NotEmpty(t, fill(fix.Text, r.Example), r.Cause)
			fill(fix.Dockerfile, r.Example)
		}
	}
	for id, text := range texts().Cures {
		assert.NotEmpty(t, fill(text, facts{}), id)
	}
	for id, a := range texts().Advice {
		assert.NotEmpty(t, fill(a.Summary, facts{Found: "x"})+fill(a.Fix, facts{}), id)
	}
	for file, have := range map[string][]string{
		"mend.go": slices.Collect(maps.Keys(texts().Cures)), "advice.go": slices.Collect(maps.Keys(texts().Advice)),
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var used []string
		for _, m := range regexp.MustCompile(`(?:(?:add|each|say|Cures)[(\[]|\t\{)"([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
			used = append(used, m[1])
		}
		assert.ElementsMatch(t, have, used, file)
	}
}

var oddNames = []string{"plain", "my app", `it's "q"`, `a\b`, "$HOME", "`id`;#", "-v", "a*b?[c]", "<b>&amp;", "ü→", "!x", "a=b", "{c,d}"}

// A fix is pasted: the real builder takes each odd name for what it is.
func TestCOPYTakesEveryNameAsOneWord(t *testing.T) {
	ctx := context.Background()
	e := engines.Engine(t)
	dir, text := t.TempDir(), "FROM scratch\n"
	for _, name := range oddNames {
		text += "COPY " + copyWords("source", "/"+name) + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "source"), []byte("x"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
	id, err := e.Output(ctx, "build", "--quiet", dir)
	require.NoError(t, err, text)
	id = strings.Fields(id)[len(strings.Fields(id))-1]
	defer e.Output(ctx, "rmi", id)
	img, err := source.FromEngine(ctx, e, id, false)
	require.NoError(t, err)
	defer img.Close()
	var held []string
	for entry := range img.(image.Lister).Walk() {
		held = append(held, strings.TrimPrefix(entry.Path, "/"))
	}
	assert.Subset(t, held, oddNames)
	assert.Len(t, held, len(oddNames), "%q", held)
}

// And so does the shell of RUN; a control character is matched by a pattern.
func TestAShellTakesEveryNameAsOneWord(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it takes a POSIX shell")
	}
	for _, name := range append(oddNames, "a\nRUN evil", "\x1b[31m", "\t") {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644))
		word := shellWord("./" + name)
		assert.NotContains(t, word, "\n")
		out, err := exec.Command("sh", "-c", fmt.Sprintf("cd '%s' && cat -- %s", dir, word)).CombinedOutput()
		assert.NoError(t, err, "%s: %s", word, out)
		assert.Equal(t, name, string(out))
	}
	script := "1s|.*|" + sedText.Replace(`#!/a|b&c\d`) + "|"
	sed := exec.Command("sh", "-c", "sed "+shellWord(script))
	sed.Stdin = strings.NewReader("#!/old\n")
	out, err := sed.Output()
	require.NoError(t, err)
	assert.Equal(t, "#!/a|b&c\\d\n", string(out))
}
