package e2e

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/message"
	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/guest"
	"optimizing-dockerfile/test/tool"
)

// savedBytes is how large an image is: the regular files in all its layers, as `save`
// writes them, hard links once. No two engines say the same of an image; this they do.
func savedBytes(t *testing.T, c engines.Client, image string) (sum int64) {
	t.Helper()
	dir := t.TempDir()
	c.Docker(t, "save", "--output", filepath.Join(dir, "image.tar"), image)
	saved, err := os.Open(filepath.Join(dir, "image.tar"))
	require.NoError(t, err)
	defer saved.Close()
	names := map[string]string{} // of links in it
	kept := map[string]string{}  // where a file of it lies here
	for all := tar.NewReader(saved); ; {
		entry, err := all.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch entry.Typeflag {
		case tar.TypeSymlink:
			names[entry.Name] = filepath.Join(filepath.Dir(entry.Name), entry.Linkname)
		case tar.TypeReg:
			file, err := os.CreateTemp(dir, "part-")
			require.NoError(t, err)
			_, err = io.Copy(file, all)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			kept[entry.Name] = file.Name()
		}
	}
	text, err := os.ReadFile(kept["manifest.json"])
	require.NoError(t, err)
	var images []struct{ Layers []string }
	require.NoError(t, json.Unmarshal(text, &images))
	require.Len(t, images, 1)
	for _, layer := range images[0].Layers {
		if of, linked := names[layer]; linked {
			layer = of
		}
		sum += layerBytes(t, kept[layer])
	}
	return sum
}

func layerBytes(t *testing.T, path string) (sum int64) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	packed := bufio.NewReader(file)
	var plain io.Reader = packed
	begin, _ := packed.Peek(4)
	switch {
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		plain, err = gzip.NewReader(packed)
	case bytes.Equal(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		plain, err = zstd.NewReader(packed)
	}
	require.NoError(t, err)
	for files := tar.NewReader(plain); ; {
		entry, err := files.Next()
		if err == io.EOF {
			return sum
		}
		require.NoError(t, err)
		if entry.Typeflag == tar.TypeReg {
			sum += entry.Size
		}
	}
}

// The program on a daemon of its own: it is a good guest there.
func TestAGoodGuest(t *testing.T) {
	g := guest.New(t)
	onlyOursIsTouched(t, g)
}

// What is the user's stays as it is, and does not disturb a run; clean takes away
// exactly what the tool made.
func onlyOursIsTouched(t *testing.T, g guest.Guest) {
	g.Docker(t, "tag", guest.StandIn, "base-of-mine") // an image of the user's, from our base, by the article's name
	g.Docker(t, "build", "--quiet", "--build-arg", "GO_IMAGE=base-of-mine", "--tag", "echo", "../../steps/01-single-stage")
	g.Docker(t, "run", "--detach", "--name", "echo", "--publish", "8080:8080", "echo")
	mine := g.Images(t)
	container := g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo")

	out := g.Run(t, "run", "2", "4")
	assert.Contains(t, out, "All as in the article")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Equal(t, "echo", g.Docker(t, "ps", "--all", "--format", "{{.Names}}"), "the user's container alone")
	assert.Subset(t, g.Images(t), mine)

	g.Docker(t, "tag", "optimizing-dockerfile:04-cgo-disabled", "echo:small") // and one of ours that the user named
	out = g.Run(t, "clean")
	assert.Contains(t, out, "build cache stays")
	names := g.Docker(t, "images", "--format", "{{.Repository}}:{{.Tag}}")
	assert.Contains(t, names, "echo:small")
	assert.NotContains(t, names, "optimizing-dockerfile")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Subset(t, g.Images(t), mine)

	g.Docker(t, "rmi", "--no-prune", "echo:small") // what was ours, and under it, goes as soon as it may
	g.Run(t, "clean")
	assert.ElementsMatch(t, mine, g.Images(t), "all that is left is the user's")
	assert.NoDirExists(t, g.Cache)
	g.Docker(t, "rm", "--force", "echo")
}

// A container that died is examined with its own options, beside what the engine recorded; nothing is left behind.
func TestTheDoctorExaminesAContainer(t *testing.T) {
	engines.Engine(t)
	script := corpus.Spec{Entrypoint: []string{"/app"}, Files: map[string]corpus.File{"/app": {Mode: 0o755, Data: []byte("#!/nowhere\n")}}}
	for _, c := range []engines.Client{engines.OwnDaemon(t).Client, engines.Docker29(t).Client, engines.Podman(t)} {
		t.Run(c.Name, func(t *testing.T) {
			c.LoadFrom(t, func(w io.Writer) error { return corpus.Save(w, map[string]corpus.Spec{"died:1": script}, nil) })
			c.Command(c.Program, "run", "--detach", "--network=none", "--name=died", "died:1").Run()
			c.Command(c.Program, "run", "--detach", "--network=none", "--name=refused", "--entrypoint=/none", "died:1").Run()
			list := func() string { return c.Docker(t, "ps", "--all", "--no-trunc", "--format={{.ID}} {{.Names}}") }
			before := list()
			for name, says := range map[string][]string{
				"died":    {"missing-interpreter", "/nowhere", "status: exited", "exec /app: no such file or directory"},
				"refused": {"missing-entrypoint", "/none is not there", "status: created"},
			} {
				out, _ := c.Command(tool.Path(t), "doctor", "--container", name).CombinedOutput()
				for _, words := range says {
					assert.Contains(t, string(out), words)
				}
			}
			command := c.Command(tool.Path(t), "doctor", "--container", "nobody")
			out, _ := command.CombinedOutput()
			assert.Equal(t, tool.Environment, command.ProcessState.ExitCode())
			assert.Contains(t, string(out), "lists those that are there")
			assert.Equal(t, before, list(), "left behind, or taken away")
		})
	}
}

// described is a container in a file: its image, one of the corpus, what the file says of it, in YAML's flow style, and
// the cause that it cannot start for, if it cannot.
type described struct {
	name, image, fields string
	cause               doctor.Cause
	pod                 string // what the pod says beside that
}

var inPods = []described{
	{"as-it-is", "plain", ``, "", ""},
	{"command", "plain", `command: [/nope]`, doctor.MissingEntrypoint, ""},
	{"args", "cmd-only", `args: [/nope]`, doctor.MissingEntrypoint, ""},
	{"args-of-a-shell", "turn-shell-form", `args: [x]`, "", ""},
	{"empty-word", "plain", `command: [""]`, doctor.EmptyCommand, ""},
	{"not-on-path", "plain", `command: [app]`, doctor.NotOnPath, ""},
	{"on-path", "plain", `command: [app], env: [{name: PATH, value: "/bin:/"}]`, "", ""},
	{"variable", "plain", `command: ["$(DIR)/app"], env: [{name: DIR, value: /opt}]`, doctor.MissingEntrypoint, ""},
	{"variable-right", "path", `command: ["$(DIR)/app"], env: [{name: DIR, value: /opt/bin}]`, "", ""},
	{"dollar", "plain", `command: ["/$$(DIR)/app"], env: [{name: DIR, value: .}]`, doctor.MissingEntrypoint, ""},
	{"workdir-file", "plain", `workingDir: /app`, doctor.WorkdirUnusable, ""},
	{"workdir-made", "plain", `workingDir: /srv, command: [./app]`, doctor.MissingEntrypoint, ""},
	{"workdir", "plain", `workingDir: /, command: [./app]`, "", ""},
	{"closed", "x-root-only", ``, "", ""}, // containerd leaves root its rights until the program is executed
	{"closed-no-rights", "x-root-only", `securityContext: {capabilities: {drop: [ALL]}}`, doctor.UserCannotExecute, ""},
	{"closed-to-group", "x-group", `securityContext: {capabilities: {drop: [DAC_OVERRIDE]}}`, doctor.UserCannotExecute, ""},
	{"open-to-group", "x-group", `securityContext: {capabilities: {drop: [ALL]}}`, "", `securityContext: {supplementalGroups: [777]},`},
	{"no-such-user", "user-not-listed", ``, doctor.UnknownUser, ""},
	{"user-of-the-pod", "user-not-listed", ``, "", `securityContext: {runAsUser: 7},`},
	{"group-alone", "plain", `securityContext: {runAsGroup: 7}`, "", ""},
	{"non-root-name", "user-and-group", `securityContext: {runAsNonRoot: true}`, doctor.RunAsNonRootName, ""},
	{"non-root-nobody", "plain", ``, doctor.RunAsNonRootRoot, `securityContext: {runAsNonRoot: true},`},
	{"non-root-zero", "plain", `securityContext: {runAsNonRoot: true, runAsUser: 0}`, doctor.RunAsNonRootRoot, ""},
	{"non-root-number", "user-and-group", `securityContext: {runAsNonRoot: true, runAsUser: 7}`, "", ""},
	{"capability", "caps-not-granted", ``, doctor.UserCannotExecute, ""},
	{"capability-dropped", "caps-of-root", `securityContext: {capabilities: {drop: [NET_RAW]}}`, doctor.UserCannotExecute, ""},
	{"capability-added", "caps-of-root", `securityContext: {capabilities: {drop: [ALL], add: [NET_RAW]}}`, "", ""},
	{"mounted-over", "path", `volumeMounts: [{name: v, mountPath: /opt/bin}]`, doctor.MissingEntrypoint, `volumes: [{name: v, emptyDir: {}}],`},
}

var inServices = []described{
	{"as-it-is", "plain", ``, "", ""},
	{"words", "turn-shell-form", `entrypoint: /app --serve`, "", ""},
	{"entrypoint", "turn-shell-form", `entrypoint: [/nope]`, doctor.MissingEntrypoint, ""},
	{"cleared", "turn-shell-form", `entrypoint: "", command: app`, doctor.NotOnPath, ""},
	{"init", "plain", `init: true, entrypoint: [/nope]`, doctor.MissingEntrypoint, ""},
	{"on-path", "plain", `entrypoint: app, environment: {PATH: /}`, "", ""},
	{"user", "user-and-group", `user: ghost`, doctor.UnknownUser, ""},
	{"workdir", "plain", `working_dir: /app`, doctor.WorkdirUnusable, ""},
	{"capability-dropped", "caps-of-root", `cap_drop: [NET_RAW]`, doctor.UserCannotExecute, ""},
	{"capability-added", "caps-of-root", `cap_drop: [ALL], cap_add: [NET_RAW]`, "", ""},
	{"mounted-over", "path", `tmpfs: /opt/bin`, doctor.MissingEntrypoint, ""},
}

// What the doctor says of each container of a file is what a kubelet, and compose on docker, then make of it.
func TestTheDoctorReadsWhatStartsContainers(t *testing.T) {
	engines.Engine(t)
	c := engines.OwnDaemon(t).Client
	pause, err := corpus.Pause()
	require.NoError(t, err)
	specs := map[string]corpus.Spec{engines.Pause: pause}
	cases, _ := corpus.Cases()
	for _, one := range cases {
		if slices.ContainsFunc(slices.Concat(inPods, inServices), func(d described) bool { return d.image == one.Name }) {
			specs[corpus.Tag(one.Name)] = one.Image
		}
	}
	save := func(to io.Writer) error { return corpus.Save(to, specs, nil) }
	c.LoadFrom(t, save)

	t.Run("pods", func(t *testing.T) {
		k := engines.StartKubelet(t)
		k.Load(t, save)
		k.Start(t)
		pods := map[string]string{}
		for _, d := range inPods {
			pods[d.name] = engines.Pod(d.name, d.pod, fmt.Sprintf("name: %s, image: %q, %s", d.name, corpus.Tag(d.image), d.fields))
		}
		seen := k.Run(t, pods)
		agree(t, c, inPods, strings.Join(slices.Collect(maps.Values(pods)), "\n---\n"), func(name string) (started bool, words string) {
			return strings.Contains(seen[name].Log, strings.TrimSpace(corpus.Marker)), seen[name].Message + "\n" + seen[name].Log
		})
	})
	t.Run("services", func(t *testing.T) {
		if _, err := exec.LookPath("docker-compose"); err != nil {
			engines.Without(t, "docker-compose is not on PATH")
		}
		file := filepath.Join(t.TempDir(), "compose.yaml")
		var services []string
		for _, d := range inServices {
			services = append(services, fmt.Sprintf("  %s: {image: %q, network_mode: none, %s}", d.name, corpus.Tag(d.image), d.fields))
		}
		text := "services:\n" + strings.Join(services, "\n") + "\n"
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		agree(t, c, inServices, text, func(name string) (started bool, words string) {
			out, _ := c.Command("docker-compose", "--file", file, "up", "--no-color", "--no-build", name).CombinedOutput()
			return strings.Contains(string(out), strings.TrimSpace(corpus.Marker)), string(out)
		})
	})
}

// agree holds what the doctor says of a file's containers against how they really start.
func agree(t *testing.T, c engines.Client, all []described, file string, really func(name string) (started bool, words string)) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "file.yaml")
	require.NoError(t, os.WriteFile(at, []byte(file), 0o644))
	out, err := c.Command(tool.Path(t), "doctor", at, "--json").Output()
	var set struct {
		Containers []struct {
			Name      string
			Diagnosis doctor.Diagnosis
		}
	}
	require.NoError(t, json.Unmarshal(out, &set), "%v %s", err, out)
	said := map[string]doctor.Diagnosis{}
	for _, one := range set.Containers {
		said[one.Name] = one.Diagnosis
	}
	for _, d := range all {
		started, words := really(d.name)
		t.Logf("%s: %s: started=%v %s", d.name, d.fields, started, strings.TrimSpace(words))
		assert.Equal(t, d.cause == "", started, "%s: is it as this test has it?", d.name)
		verdict := said[d.name]
		if assert.NotNil(t, verdict.Starts, "%s: %s", d.name, verdict.Summary) {
			assert.Equal(t, started, *verdict.Starts, "%s: %s", d.name, verdict.Summary)
		}
		assert.Equal(t, d.cause, verdict.Cause, "%s: %s", d.name, verdict.Summary)
		if !started {
			causes := message.Read(words).Causes
			assert.True(t, slices.ContainsFunc(causes, func(l message.Likely) bool { return l.Cause == d.cause }), "%s: %v", d.name, causes)
		}
	}
}
