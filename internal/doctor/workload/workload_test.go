package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
)

func given(t *testing.T, text string, env ...string) ([]Container, error) {
	file := filepath.Join(t.TempDir(), "project", "file.yaml")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return Read(file, func(name string) (string, bool) {
		for _, e := range env {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value, true
			}
		}
		return "", false
	})
}

// one reads the container of a pod, or of a service; its text is in YAML's flow style.
func one(t *testing.T, format, text string, env ...string) Container {
	all, err := given(t, strings.Replace(format, "X", text, 1), env...)
	require.NoError(t, err, text)
	require.Len(t, all, 1)
	return all[0]
}

const (
	inPod     = "kind: Pod\nspec: {containers: [{name: c, image: i, X}]}"
	inService = "services: {c: {image: i, X}}"
)

// What of a pod's fields becomes of the start.
func TestAPodsStart(t *testing.T) {
	list := func(words ...string) *[]string { return &words }
	for text, want := range map[string]doctor.Options{
		`command: [a, b]`:                  {Entrypoint: list("a", "b")},
		`args: [a]`:                        {Args: []string{"a"}},
		`command: []`:                      {},
		`workingDir: /w`:                   {Workdir: "/w"},
		`env: [{name: PATH, value: "/x"}]`: {Env: []string{"PATH=/x"}},
		`command: ["$(A)/b$(A)", "$$(A)", "$(B)", "$A"], env: [{name: A, ` +
			`value: a}]`: {Entrypoint: list("a/ba", "$(A)", "$(B)", "$A"), Env: []string{"A=a"}},
		`args: ["$(B)"], env: [{name: B, value: "$(A)"}, {name: A, value: a}]`: {
			Args: []string{"$(A)"}, Env: []string{"A=a", "B=$(A)"}},
		`securityContext: {runAsUser: 5, privileged: true}`:                {User: "5", Privileged: true},
		`securityContext: {capabilities: {add: [NET_ADMIN], drop: [ALL]}}`: {CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}},
		`volumeMounts: [{name: v, mountPath: /d/}]`:                        {Mounts: map[string]bool{"/d": false}},
	} {
		c := one(t, inPod, text)
		if want.Mounts == nil {
			want.Mounts = map[string]bool{}
		}
		want.Pod, want.Called, want.Open = &doctor.Pod{}, fromPod, map[string]bool{}
		assert.Equal(t, want, c.Options, text)
	}
	c := one(t, inPod, `securityContext: {runAsNonRoot: true, runAsGroup: 7}`)
	assert.Equal(t, &doctor.Pod{NonRoot: true, Group: "7"}, c.Options.Pod)
	c = one(t, inPod, `command: ["$(A)"], env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]`)
	assert.Equal(t, map[string]bool{"$(A)": true}, c.Options.Open)
	assert.Empty(t, one(t, inPod, `command: ["$$(A)"], env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]`).Options.Open)
	c = one(t, inPod, `env: [{name: PATH, value: /a}, {name: PATH, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]`)
	assert.Empty(t, c.Options.Env)
	assert.Equal(t, map[string]bool{"PATH": true}, c.Options.Open)
	c = one(t, inPod, `args: ["--x=$(A)"], envFrom: [{secretRef: {name: s}}]`)
	assert.Equal(t, map[string]bool{"--x=$(A)": true}, c.Options.Open)
	_, err := given(t, "kind: Pod\nspec:\n  containers: [{name: c, image: i,\n    args: [1]}]")
	assert.ErrorContains(t, err, `:4: "1" is no string`)
	_, err = given(t, "kind: Pod\nspec:\n  containers: [{name: c, image: i,\n    args: [yes]}]")
	assert.ErrorContains(t, err, `:4: "yes" is no string`, "as YAML 1.1 has it")
}

// A container's own word counts before its pod's; whatever holds a pod is found.
func TestPodsAreFound(t *testing.T) {
	all, err := given(t, `
apiVersion: v1
kind: List
items:
- {kind: Deployment, metadata: {name: d}, spec: {template: {spec: {
    securityContext: {runAsUser: 1, runAsGroup: 2, runAsNonRoot: true, fsGroup: 4, supplementalGroups: [5]},
    nodeSelector: {kubernetes.io/arch: arm64},
    initContainers: [{name: i, image: x, securityContext: {runAsUser: 3, runAsNonRoot: false}}],
    containers: [{name: c, image: v}]}}}}
- {kind: CronJob, metadata: {name: j}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: z}]}}}}}}
---
kind: PodTemplate
metadata: {generateName: t-}
template: {spec: {containers: [{name: c, image: z}]}}
---
kind: Rollout # of somebody else's
metadata: {name: r}
spec: {template: {spec: {containers: [{name: c, image: z}]}}}
---
kind: Service
spec: {template: not a pod's}
---
just: something
---
- a list
`)
	require.NoError(t, err)
	var owners []string
	for _, c := range all {
		owners = append(owners, c.Owner)
	}
	assert.Equal(t, []string{"Deployment/d", "Deployment/d", "CronJob/j", "PodTemplate/t-", "Rollout/r"}, owners)
	i, c := all[0], all[1]
	assert.True(t, i.Init)
	assert.False(t, c.Init)
	assert.Equal(t, "linux/arm64", c.Platform)
	assert.Equal(t, []any{"3", "2", false}, []any{i.Options.User, i.Options.Pod.Group, i.Options.Pod.NonRoot})
	assert.Equal(t, []int{5, 4}, i.Options.Groups)
	assert.Equal(t, []any{"1", "2", true}, []any{c.Options.User, c.Options.Pod.Group, c.Options.Pod.NonRoot})
}

// What of a service's fields becomes of the start.
func TestAServicesStart(t *testing.T) {
	list := func(words ...string) *[]string { return &words }
	for text, want := range map[string]doctor.Options{
		`command: a 'b c' "d\"e" f\ g`:       {Args: []string{"a", "b c", `d"e`, "f g"}},
		`command: a && b`:                    {Args: []string{"a"}}, // compose's own words end there
		`command: [a, "b c"]`:                {Args: []string{"a", "b c"}},
		`entrypoint: a b`:                    {Entrypoint: list("a", "b")},
		`entrypoint: [ ]`:                    {Entrypoint: &[]string{}},
		`entrypoint: ""`:                     {Entrypoint: &[]string{}},
		`entrypoint:, command: ~`:            {},
		`user: 12:13, working_dir: /w`:       {User: "12:13", Workdir: "/w"},
		`init: true, privileged: true`:       {Init: true, Privileged: true},
		`environment: {PATH: /a, B: , N: 1}`: {Env: []string{"B", "N=1", "PATH=/a"}},
		`environment: [PATH=/a, H, B]`:       {Env: []string{"B", "H=h", "PATH=/a"}},
		`cap_add: [A], cap_drop: [B]`:        {CapAdd: []string{"A"}, CapDrop: []string{"B"}},
		`group_add: [5, "6", staff]`:         {Groups: []int{5, 6}},
		`volumes: [./x:/app, data:/data, {type: tmpfs, target: /t}, "/anonymous"], tmpfs: /u:size=1`: {
			Mounts: map[string]bool{"/app": false, "/t": true, "/u": true}},
		`command: "${A:-x} ${B-y} $H ${H:+z} $${A} ${E:-e} ${E-f} ${A:-${H}}"`: {Args: []string{"x", "y", "h", "z", "${A}", "e", "h"}},
	} {
		c := one(t, inService, text, "H=h", "E=")
		if want.Mounts == nil {
			want.Mounts = map[string]bool{}
		}
		want.Called = fromService
		slices.Sort(c.Options.Env) // a map has no order
		assert.Equal(t, want, c.Options, text)
	}
	assert.True(t, one(t, "services:\n  c:\n    image: i\n    X", "init: ${I:-true}").Options.Init, "what is filled in may be no string "+
		"any more")
	assert.Equal(t, "project-c", one(t, "services: {c: {build: ., X}}", "platform: linux/arm64").Image)
	assert.Equal(t, "other-c", one(t, "name: Ot.her\nservices: {c: {build: ., X}}", "user: a").Image)
	assert.NotEmpty(t, one(t, inService, "env_file: .env").Notes)
	all, err := given(t, "services: {a: {image: i, command: [x], cap_drop: [A]}, b: {extends: a, cap_drop: [B], command: [y]}, "+
		"c: {extends: {service: b}}}")
	require.NoError(t, err)
	assert.Equal(t, []any{"i", []string{"y"}, []string{"A", "B"}}, []any{all[2].Image, all[2].Options.Args, all[2].Options.CapDrop})
	assert.NotEmpty(t, one(t, "include: [a.yaml]\n"+inService, "user: a").Notes)
	for text, says := range map[string]string{
		"services: {c: {image: \"${X:?say which}\"}}":           "say which",
		"services: {c: {image: \"${\"}}":                        "write $$",
		"services: {c: {extends: c}}":                           "itself",
		"services: {c: {extends: {service: d}}}":                "service d",
		"services: {c: {extends: {service: c, file: no.yaml}}}": "no.yaml",
		"services: {c: {command: \"a 'b\"}}":                    "quote",
	} {
		_, err := given(t, text)
		assert.ErrorContains(t, err, says)
	}
}

// Files that are none, or would take the machine with them, end in a sentence.
func TestHostileFiles(t *testing.T) {
	bomb := "services: {a: {image: x}}\nba: &ba [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 12 {
		n, m := string(rune('a'+i)), string(rune('b'+i))
		bomb += "b" + m + ": &b" + m + " [" + strings.Repeat("*b"+n+",", 9) + "*b" + n + "]\n"
	}
	for name, text := range map[string]string{
		"no container":       "a: b",
		"aliases":            bomb,
		"itself":             "kind: Pod\nspec: &a {containers: [*a]}",
		"too large":          strings.Repeat("# "+strings.Repeat("x", 1022)+"\n", 5000),
		"deep":               "kind: Pod\nspec: " + strings.Repeat("[", 20000),
		"services no map":    "services: [a]",
		"containers no list": "kind: Pod\nspec: {containers: 3}",
		"no yaml":            "\x00\x01",
	} {
		_, err := given(t, text)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "\n", name)
		t.Log(name, err)
	}
}

// A few kilobytes that would take gigabytes, hours or a screen without end.
func TestAFileHasBounds(t *testing.T) {
	var doubled, keys []string
	for i := range 60 {
		doubled = append(doubled, fmt.Sprintf("{name: A%d, value: x$(A%d)$(A%[2]d)}", i, i-1))
	}
	for i := range 9_000 {
		keys = append(keys, fmt.Sprint("k", i))
	}
	c := one(t, inPod, `command: ["$(A59)"], env: [`+strings.Join(doubled, ", ")+`]`)
	assert.Contains(t, c.Unknown, "become more than")
	for text, says := range map[string]string{
		"services: {c: {image: " + strings.Repeat("$A", 100) + "}}":                         "become more than",
		"services: {c: {image: " + strings.Repeat("a", 5000) + "}}":                         "names a container or an image",
		"services: {" + strings.Join(keys[:2000], ": {image: i}, ") + ": {image: i}}":       "more than 1000 containers",
		"services: {c: {image: i, environment: {" + strings.Join(keys, ": , ") + ": }}}":    "more than 4000 keys",
		"services: {c: {image: i, command: '" + strings.Repeat("a ", 100_000) + "'}}":       "a line of words of",
		"services: {c: {image: i, user: '" + strings.Repeat("${B:-", 100_000) + "'}}":       "a text with variables",
		"services: {c: {image: i, user: '" + strings.Repeat("${B:-", 2000) + "'}}":          "a dollar begins",
		"services: {c: {image: i, user: '" + strings.Repeat("$$", 8000) + "'}}":             "",
		"kind: Pod\nspec: {containers: [{image: '" + strings.Repeat("a", 5000) + "'}]}":     "names a container or an image",
		"kind: Pod\nspec: {containers: [{args: ['" + strings.Repeat("$(", 50_000) + "']}]}": "",
	} {
		_, err := given(t, text, "A="+strings.Repeat("a", 100_000))
		if says == "" {
			assert.NoError(t, err, text[:60])
		} else {
			assert.ErrorContains(t, err, says, text[:60])
		}
	}
}
