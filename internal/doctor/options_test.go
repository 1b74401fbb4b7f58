package doctor

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"iter"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor/image"
)

// started judges a start of an image with one script, of user 1000 alone, that a shell link leads nowhere for.
func started(t *testing.T, user string, options Options) *Diagnosis {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "app", Mode: 0o700, Uid: 1000}))
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "tool", Mode: 0o710, Gid: 7}))
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "etc", Mode: 0o755}))
	require.NoError(t, w.Close())
	files := image.NewFiles(image.NewBudget(t.Context(), 0))
	require.NoError(t, files.Apply(1, &layer))
	img := image.Of(files, image.About{Config: image.Config{Config: v1.Config{Entrypoint: []string{"/app"}, User: user}}}, false)
	defer img.Close()
	d, err := Examine(t.Context(), img, Machine{OS: "linux", Arch: "amd64"}, options)
	require.NoError(t, err)
	return d
}

// What a pod, a compose file or a container's own options change about a start. (An empty file is found, and is no program.)
func TestStarts(t *testing.T) {
	list := func(words ...string) *[]string { return &words }
	for name, c := range map[string]struct {
		user    string
		options Options
		cause   Cause
		phase   Phase
	}{
		"as it is":                {"", Options{}, ExecFormat, PhaseExec},
		"no user named":           {"", Options{Pod: &Pod{NonRoot: true}}, RunAsNonRootRoot, PhaseStart},
		"root by its number":      {"0:5", Options{Pod: &Pod{NonRoot: true}}, RunAsNonRootRoot, PhaseStart},
		"by its name":             {"root", Options{Pod: &Pod{NonRoot: true}}, RunAsNonRootName, PhaseStart},
		"a number":                {"1000:5", Options{Pod: &Pod{NonRoot: true}}, ExecFormat, PhaseExec},
		"the pod's number":        {"root", Options{User: "1000", Pod: &Pod{NonRoot: true}}, ExecFormat, PhaseExec},
		"the pod's root":          {"1000", Options{User: "0", Pod: &Pod{NonRoot: true}}, RunAsNonRootRoot, PhaseStart},
		"a group, no kubelet":     {"1000:staff", Options{}, UnknownGroup, PhaseStart},
		"a group, with a kubelet": {"1000:staff", Options{Pod: &Pod{}}, ExecFormat, PhaseExec},
		"root overrides modes":    {"0", Options{CapDrop: []string{"CHOWN"}}, ExecFormat, PhaseExec},
		"root that may not":       {"0", Options{CapDrop: []string{"cap_dac_override"}}, UserCannotExecute, PhaseStart},
		"nor without any":         {"0", Options{CapDrop: []string{"ALL"}, CapAdd: []string{"CHOWN"}}, UserCannotExecute, PhaseStart},
		"but with that one":       {"0", Options{CapDrop: []string{"ALL"}, CapAdd: []string{"DAC_OVERRIDE"}}, ExecFormat, PhaseExec},
		"privileged":              {"0", Options{CapDrop: []string{"ALL"}, Privileged: true}, ExecFormat, PhaseExec},
		"the init starts":         {"", Options{Init: true, Entrypoint: list("/nope")}, MissingEntrypoint, PhaseExec},
		"no init":                 {"", Options{Entrypoint: list("/nope")}, MissingEntrypoint, PhaseStart},
		"a name":                  {"", Options{Entrypoint: list("app")}, NotOnPath, PhaseStart},
		"a name, and PATH":        {"", Options{Entrypoint: list("app"), Env: []string{"PATH=/"}}, ExecFormat, PhaseExec},
		"a name, PATH not known":  {"", Options{Entrypoint: list("app"), Open: map[string]bool{"PATH": true}}, "", ""},
		"a name that is open":     {"", Options{Entrypoint: list("$(A)"), Open: map[string]bool{"$(A)": true}}, "", ""},
		"an argument that is":     {"", Options{Args: []string{"$(A)"}, Open: map[string]bool{"$(A)": true}}, ExecFormat, PhaseExec},
		"by a group of its own":   {"1000:5", Options{Entrypoint: list("/tool"), Groups: []int{7}}, ExecFormat, PhaseExec},
		"in none of its groups":   {"1000:5", Options{Entrypoint: list("/tool"), Groups: []int{8}}, UserCannotExecute, PhaseStart},
		"an empty word, of a pod": {"", Options{Entrypoint: list(""), Pod: &Pod{}}, EmptyCommand, PhaseStart},
		"of docker, it is none":   {"", Options{Entrypoint: list("")}, NoCommand, PhaseStart},
		"mounted over":            {"", Options{Mounts: map[string]bool{"/app": false}}, "", ""},
		"mounted over, and empty": {"", Options{Entrypoint: list("/etc/app"), Mounts: map[string]bool{"/etc": true}}, MissingEntrypoint, PhaseStart},
		"accounts mounted over":   {"", Options{Mounts: map[string]bool{"/etc/passwd": false}}, "", ""},
		"mounted elsewhere":       {"", Options{Mounts: map[string]bool{"/data": false}, Workdir: "/data"}, ExecFormat, PhaseExec},
	} {
		d := started(t, c.user, c.options)
		assert.Equal(t, []any{c.cause, c.phase}, []any{d.Cause, d.Phase}, "%s: %s", name, d.Summary)
		assert.Equal(t, c.cause == "", d.Starts == nil, "%s: %s", name, d.Summary)
	}
	d := started(t, "1000:7", Options{Pod: &Pod{Group: "9"}})
	assert.Equal(t, []int{1000, 9}, []int{*d.User.UID, *d.User.GID})
	d = started(t, "", Options{Entrypoint: list("/bin/sh", "-c", "/app"), Called: map[string]string{"--entrypoint": "command"}})
	assert.Contains(t, d.Fix.Dockerfile, `command: ["/app"]`, "a line of a Dockerfile would change nothing")
}

// A file's containers start together, or one does not, or one cannot be told.
func TestASetStartsWhereAllDo(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		are  []*bool
		want *bool
	}{{[]*bool{&yes, &yes}, &yes}, {[]*bool{&yes, nil}, nil}, {[]*bool{nil, &no, &yes}, &no}} {
		var all []Member
		for _, is := range c.are {
			all = append(all, Member{Diagnosis: &Diagnosis{Starts: is}})
		}
		assert.Equal(t, c.want, NewSet(all).Starts)
	}
}

// crowd is an image of very many setuid files by long paths, which notes what is held while they are gone through.
type crowd struct {
	image.Image
	held uint64 // bytes
}

func (c *crowd) Lost() iter.Seq2[image.Entry, int] { return func(func(image.Entry, int) bool) {} }

func (c *crowd) Walk() iter.Seq[image.Entry] {
	return func(yield func(image.Entry) bool) {
		for i := range 10_000 {
			yield(image.Entry{Path: fmt.Sprint(strings.Repeat("/d", 2000), i), Mode: 0o755 | fs.ModeSetuid})
		}
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		c.held = memory.HeapAlloc
	}
}

// Setuid files are counted, and three of them named: a list of all would be as long as an image says.
func TestOfSetuidFilesThreeAreKept(t *testing.T) {
	img := &crowd{Image: image.Of(image.NewFiles(image.NewBudget(t.Context(), 0)), image.About{}, false)}
	x := newExamination(t.Context(), img, Machine{}, Options{})
	require.NoError(t, x.adviseAll(t.Context()))
	require.Len(t, x.d.Advice, 1)
	assert.Contains(t, x.d.Advice[0].Summary, "10000")
	assert.Less(t, img.held, uint64(20<<20))
}
