package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/elf"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/screen"
	"optimizing-dockerfile/test/engines"
)

// Ends of what is read: none is a verdict.
const (
	tooMany  = "more files, names or symbols than any image"
	tooSlow  = "more folders, links or symbols than any image"
	tooLarge = "larger than what the doctor reads of a file"
)

// Each kind holds, in some kilobytes, what would take gigabytes or hours.
func hostile() map[string]struct {
	Spec
	says string
} {
	type kind = struct {
		Spec
		says string
	}
	of := func(s Spec, change func(*Spec)) Spec { change(&s); return s }
	deep, folders := strings.Repeat("/a", 2040), strings.Join(numbered(9000, "/x%d"), ":")
	needs := func(n int) []string { return numbered(n, "l%d.so") }
	return map[string]kind{
		"a library's name of five thousand bytes": {
			dynamic(shared{interp: muslLoader, needed: []string{strings.Repeat("n", 5000)}}, nil),
			tooLarge,
		},
		"sixty thousand times one name": {dynamic(shared{interp: muslLoader, names: strings.Repeat("n", 4000) + "\x00",
			tags: bytesOf(60_000, func(int) []uint64 { return []uint64{1, 3} })}, nil), tooMany},
		"a RUNPATH without end": {
			dynamic(shared{interp: muslLoader, runpath: strings.Repeat("/a:", 30_000)}, nil),
			tooLarge,
		},
		"symbols under many names": {
			dynamic(shared{interp: muslLoader, wants: 1, needed: needs(60)},
				linked(60, shared{defines: 400_000})),
			tooSlow,
		},
		"dynamic sections of junk": {dynamic(shared{interp: muslLoader, needed: needs(2000)},
			linked(2000, shared{tags: bytesOf(50_000, func(i int) []uint64 { return []uint64{0x60000000 + uint64(i), 0} })})), tooSlow},
		"versions under many names": {dynamic(shared{interp: glibcLoader, needed: needs(400)},
			linked(400, shared{names: strings.Repeat("v", 4000) + "\x00", tags: []uint64{0x6ffffffd, 3000}, at: map[uint64]uint64{0x6ffffffc: 0},
				tables: bytesOf(3000, func(i int) []byte { return define(uint16(2+i), 3) })})), tooMany},
		"musl: a chain of libraries, each with folders": {
			dynamic(shared{interp: muslLoader, needed: needs(1)},
				chain(500, func(n string) shared { return shared{needed: []string{n}, runpath: folders} })),
			tooSlow,
		},
		"glibc: a chain of libraries, each with folders": {
			dynamic(shared{interp: glibcLoader, needed: needs(1)},
				chain(500, func(n string) shared { return shared{needed: []string{n}, rpath: folders} })),
			tooSlow,
		},
		"LD_LIBRARY_PATH times libraries": {of(dynamic(shared{interp: glibcLoader, needed: needs(2000)}, linked(2000, shared{})),
			func(s *Spec) { s.Env = []string{"LD_LIBRARY_PATH=" + folders} }), tooSlow},
		"LD_LIBRARY_PATH times LD_PRELOAD": {of(dynamic(shared{interp: muslLoader}, nil),
			func(s *Spec) {
				s.Env = []string{"LD_LIBRARY_PATH=" + folders, "LD_PRELOAD=" + strings.Join(needs(9000), ":")}
			}), tooSlow},
		"a RUNPATH of variables times libraries": {
			dynamic(shared{interp: glibcLoader, needed: needs(1000), runpath: "/lib:" + strings.Repeat("$ORIGIN:", 8000)},
				linked(1000, shared{})),
			tooSlow,
		},
		"a symbol's name without end": {dynamic(shared{interp: muslLoader, wants: 1, huge: true}, nil), tooLarge},
		"a loader's list of folders": {
			dynamic(shared{interp: muslLoader, needed: needs(1)},
				map[string]File{"/etc/ld-musl-x86_64.path": {Data: []byte(strings.Repeat("/a:", 30_000))}}),
			tooLarge,
		},
		"PATH times a deep WORKDIR": {of(dynamic(shared{}, map[string]File{deep: {Dir: true}}),
			func(s *Spec) {
				s.Entrypoint, s.Env, s.WorkingDir = []string{"x"}, []string{"PATH=" + strings.Repeat(":", 130_000)}, deep
			}), tooSlow},
		"PATH times groups": {of(dynamic(shared{}, map[string]File{"/etc/passwd": {Mode: 0o644, Data: []byte("u:x:7:7::/:/\n")},
			"/etc/group": {Mode: 0o644, Data: []byte(strings.Join(numbered(65_000, "g:x:%d:u\n"), ""))}}),
			func(s *Spec) {
				s.Entrypoint, s.Env, s.User = []string{"x"}, []string{"PATH=" + strings.Repeat("/b/c:", 20_000)}, "u"
			}), tooSlow},
		"a folder on PATH in a large tree": {of(dynamic(shared{}, map[string]File{"/d/x": {Dir: true},
			"/env": {Data: append(tiny{machine: amd64}.bytes(), "ignore-environment"...)}}),
			func(s *Spec) {
				s.Entrypoint, s.Env = []string{"/env", "x"}, []string{"PATH=" + strings.Repeat("/d:", 40_000)}
				for _, name := range numbered(30_000, "/t/%d") { // went through for each of those, this takes minutes
					s.put(name, File{})
				}
			}), "in no folder of PATH"},
		"a user in more groups than a process may have": {of(dynamic(shared{}, map[string]File{"/etc/passwd": {Mode: 0o644, Data: []byte("u:x:7:7::/:/\n")},
			"/etc/group": {Mode: 0o644, Data: []byte(strings.Join(numbered(70_000, "g:x:%d:u\n"), ""))}}), user("u")), "is in 70000 groups"},
		"a name of PATH without end": {of(dynamic(shared{}, nil),
			func(s *Spec) {
				s.Entrypoint, s.Env = []string{strings.Repeat("x", 130_000)}, []string{"PATH=" + strings.Repeat("/b:", 40_000)}
			}), "xxxx… ("},
		"env's name without end": {of(dynamic(shared{}, map[string]File{"/env": {Data: append(tiny{machine: amd64}.bytes(), "ignore-environment split-string"...)}, "/app": script("#!/env -S " + strings.Repeat("${A}", 50) + " b")}),
			func(s *Spec) {
				s.Env = []string{"A=" + strings.Repeat("a", 130_000), "PATH=" + strings.Repeat("/b:", 40_000)}
			}), "is a script"},
		"env's words without end": {of(dynamic(shared{}, map[string]File{
			"/env": {Data: append(tiny{machine: amd64}.bytes(), "ignore-environment split-string"...)}}),
			func(s *Spec) {
				s.Entrypoint, s.Env = []string{"/env", "-S", strings.Repeat("${A}", 1000)}, []string{"A=" + strings.Repeat("a", 130_000)}
			}), tooMany},
		"the same words for one program after the other": {of(dynamic(shared{}, map[string]File{
			"/nice": {Data: append(tiny{machine: amd64}.bytes(), "adjustment"...)}}),
			func(s *Spec) {
				s.Entrypoint = append(slices.Repeat([]string{"/nice"}, 30), slices.Repeat([]string{strings.Repeat("a", 120_000)}, 15)...)
			}), tooMany},
		"a program's path of a thousand folders": {
			of(dynamic(shared{}, nil),
				func(s *Spec) { s.Entrypoint = []string{strings.Repeat("/nope", 20_000)} }),
			"the program /nope/nope",
		},
		"a WORKDIR of a thousand folders": {
			of(dynamic(shared{}, nil),
				func(s *Spec) { s.Entrypoint, s.WorkingDir = []string{"app"}, strings.Repeat("/nope", 20_000) }),
			"in no folder of PATH",
		},
		"a dynamic section that leads out": {
			dynamic(shared{interp: muslLoader, tags: []uint64{1, 1 << 40}}, nil),
			"points outside of the file",
		},
		"a user's name without end": {
			of(dynamic(shared{}, nil),
				func(s *Spec) { s.User = strings.Repeat("\x1b", 130_000) }),
			"USER is",
		},
		"a shell's options without end": {of(dynamic(shared{}, map[string]File{
			"/bin/sh": {Data: append(tiny{machine: amd64}.bytes(), "PS4"...)}}),
			func(s *Spec) {
				many := slices.Repeat([]string{"-" + strings.Repeat("x", 14)}, 120_000)
				s.Entrypoint = slices.Concat([]string{"/bin/sh"}, many, []string{"-c", "/nope"})
			}), "/nope is not in the image"},
		"arguments without end": {
			of(dynamic(shared{}, nil),
				func(s *Spec) { s.Entrypoint = append([]string{"/nope"}, numbered(100_000, "\x01%d")...) }),
			"/nope is not in the image",
		},
	}
}

func TestHostileKindsHaveAnEnd(t *testing.T) {
	for name, k := range hostile() {
		t.Run(name, func(t *testing.T) {
			img := opened(t, k.Spec)
			d, err := doctor.Examine(t.Context(), img, doctor.Machine{OS: "linux", Arch: "amd64"}, doctor.Options{})
			require.NoError(t, err)
			assert.True(t, strings.Contains(d.Summary, k.says), screen.Short(d.Summary, 300))
			text, err := json.Marshal(d)
			require.NoError(t, err)
			assert.Less(t, len(text), 1_000_000)
			var screen bytes.Buffer
			require.NoError(t, doctor.Screen(&screen, d, false, 80))
			assert.Less(t, screen.Len(), 30_000)
			if k.says == tooSlow { // then Ctrl-C must end it too
				ctx, stop := context.WithCancel(t.Context())
				stop()
				_, err = doctor.Examine(ctx, img, doctor.Machine{OS: "linux", Arch: "amd64"}, doctor.Options{})
				assert.ErrorIs(t, err, context.Canceled)
			}
		})
	}
}

// What is wanted a hundred thousand times, and defined as often: no pairs are tried.
// Broken, this takes hours.
func TestSymbolsAreNotTriedInPairs(t *testing.T) {
	d, err := doctor.Examine(t.Context(), opened(t, dynamic(shared{interp: muslLoader, wants: 200_000, needed: []string{"l0.so"}},
		linked(1, shared{defines: 200_000}))), doctor.Machine{OS: "linux", Arch: "amd64"}, doctor.Options{})
	require.NoError(t, err)
	assert.True(t, d.Starts != nil && *d.Starts, d.Summary)
}

func opened(t *testing.T, s Spec) image.Image {
	var b bytes.Buffer
	require.NoError(t, Save(&b, map[string]Spec{"x:1": s}, nil))
	img, err := openBytes(t, b.Bytes())
	require.NoError(t, err)
	t.Cleanup(func() { img.Close() })
	return img
}

func openBytes(t *testing.T, b []byte) (image.Image, error) {
	at := filepath.Join(t.TempDir(), "image.tar")
	require.NoError(t, os.WriteFile(at, b, 0o600))
	return image.FromFile(t.Context(), at, "", image.Platform{OS: "linux", Arch: "amd64"})
}

// Ten thousand archives and ELF files with some bytes changed: none ends the tool.
// The seed is fixed; the digests of what was changed inside an archive are right.
func TestTenThousandMutations(t *testing.T) {
	chance := rand.New(rand.NewPCG(21, 0))
	mutated := func(b []byte) []byte {
		b = bytes.Clone(b)
		for range 1 + chance.IntN(12) {
			at := chance.IntN(len(b))
			if chance.IntN(2) == 0 { // headers are at the beginning
				at = chance.IntN(min(len(b), 600))
			}
			b[at] = [...]byte{byte(chance.Uint32()), 0, 0xff, b[at] ^ 1<<chance.IntN(8), 0x7f}[chance.IntN(5)]
		}
		return b[:len(b)-chance.IntN(len(b))*chance.IntN(2)*chance.IntN(2)*chance.IntN(2)]
	}
	lib := shared{soname: "l0.so", defines: 4, names: "V1\x00",
		tags: []uint64{0x6ffffffd, 1}, at: map[uint64]uint64{0x6ffffffc: 0}, tables: define(2, 3)}
	whole := dynamic(shared{interp: glibcLoader, wants: 3, needed: []string{"l0.so"}, runpath: "$ORIGIN/../lib"}, linked(2, lib))
	names := []string{"/app", "/lib/l0.so", glibcLoader}
	var plain bytes.Buffer
	require.NoError(t, Save(&plain, map[string]Spec{"x:1": whole}, nil))
	at := filepath.Join(t.TempDir(), "image.tar")
	opens, verdicts := 0, 0
	mutations := 2_000 // a newcomer does not wait for all of them
	if engines.Wanted() {
		mutations = 10_000
	}
	for i := range mutations {
		var b bytes.Buffer
		switch i % 4 {
		case 0: // the archive
			b.Write(mutated(plain.Bytes()))
		case 1: // its layer
			img, err := whole.image(nil, mutated(whole.layer()))
			require.NoError(t, err)
			require.NoError(t, tarball.Write(name.MustParseReference("x:1"), img, &b))
		default: // a file in it
			changed := whole.with()
			path := names[chance.IntN(len(names))]
			file := changed.Files[path]
			file.Data = mutated(file.Data)
			changed.Files[path] = file
			require.NoError(t, Save(&b, map[string]Spec{"x:1": changed}, nil))
			if f, err := elf.Parse(image.Paid{File: bytes.NewReader(file.Data), Budget: image.NewBudget(t.Context(), 0)}); err == nil {
				f.Strippable()
			}
		}
		require.NoError(t, os.WriteFile(at, b.Bytes(), 0o600))
		img, err := image.FromFile(t.Context(), at, "", image.Platform{OS: "linux", Arch: "amd64"})
		if err != nil {
			continue
		}
		opens++
		d, err := doctor.Examine(t.Context(), img, doctor.Machine{OS: "linux", Arch: "amd64"}, doctor.Options{})
		if assert.NoError(t, err) {
			verdicts++
			require.NoError(t, doctor.Screen(io.Discard, d, false, 80))
		}
		img.Close()
	}
	t.Logf("%d could be opened, %d had a diagnosis", opens, verdicts)
	assert.Greater(t, opens, mutations*3/10, "what is changed inside must be looked at")
}
