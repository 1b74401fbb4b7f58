package looks

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/message"
	"optimizing-dockerfile/internal/lesson/tell/page"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if engines.Wanted() {
		os.Exit(tool.Main(m))
	}
	os.Exit(m.Run())
}

var update = flag.Bool("update", false, "write down what is seen instead of comparing it")

// What each runtime prints is what docs/causes/looks.yaml says of its version. On an engine of
// another version nothing is compared.
func TestLooks(t *testing.T) {
	if !engines.Wanted() {
		t.Skip("it is of `make e2e`")
	}
	cases := made(t)
	docker := func(c engines.Client) string {
		return c.Docker(t, "version", "--format", "docker {{.Server.Version}}{{range .Server.Components}}"+
			"{{if eq .Name \"runc\"}}, runc {{.Version}}{{end}}{{end}}")
	}
	podman := func(c engines.Client) string {
		runtime := strings.SplitN(c.Docker(t, "info", "--format", "{{.Host.OCIRuntime.Version}}"), "\n", 2)[0]
		return c.Docker(t, "version", "--format", "podman {{.Client.Version}}") + ", " + strings.Replace(runtime, "version ", "", 1)
	}
	for _, r := range []struct {
		id    string
		start func(t *testing.T) (engines.Client, string)
	}{
		{"docker-20.10", func(t *testing.T) (engines.Client, string) { c := engines.OwnDaemon(t).Client; return c, docker(c) }},
		{"docker-29", func(t *testing.T) (engines.Client, string) { c := engines.Docker29(t).Client; return c, docker(c) }},
		{"podman", func(t *testing.T) (engines.Client, string) { c := engines.Podman(t); return c, podman(c) }},
		{"podman-crun", func(t *testing.T) (engines.Client, string) { c := engines.PodmanWithCrun(t); return c, podman(c) }},
	} {
		t.Run(r.id, func(t *testing.T) {
			if testing.Short() && (r.id == "docker-20.10" || r.id == "podman-crun") {
				t.Skip("without -short it runs")
			}
			c, what := r.start(t)
			held(t, r.id, what, func() map[string]page.Look { return started(t, c, cases) }, func(l *page.Looks) *[]page.Shown { return &l.Images },
				func(name string) page.Shown { return shown(name, cases[name].Cause) })
		})
	}
}

// What a cluster's user sees of an image of each cause, and of the steps with and without
// runAsNonRoot, is what is recorded.
func TestLooksInPods(t *testing.T) {
	if !engines.Wanted() {
		t.Skip("it is of `make e2e`")
	}
	if e := engines.Here(t); e.Name != "docker" {
		engines.Without(t, "an engine of the machine's that is docker; it is "+e.Name)
	}
	var steps []step
	for _, words := range [][]string{{"all"}, {"beyond", "09"}} {
		doc, _ := tool.Document(t, words...)
		for _, s := range doc.Steps {
			if s.Image == nil {
				require.Fail(t, "no image was built", "%s: %v", s.Step, s.Reasons)
			}
			out, err := exec.Command("docker", "inspect", "--format", "{{index .RepoTags 0}} {{.Config.User}}", s.Image.ID).Output()
			require.NoError(t, err)
			tag, user, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
			name := s.Step + strings.ReplaceAll(strings.TrimPrefix(s.Dockerfile, "Dockerfile"), ".", "-")
			steps = append(steps, step{name, tag, user, false}, step{name, tag, user, true})
		}
	}
	cases := made(t)
	what, seen := inPods(t, cases, steps)
	of := func(prefix bool) map[string]page.Look {
		part := maps.Clone(seen)
		maps.DeleteFunc(part, func(name string, _ page.Look) bool { return strings.HasPrefix(name, "step-") != prefix })
		return part
	}
	held(t, page.Kubelet, what, func() map[string]page.Look { return of(false) }, func(l *page.Looks) *[]page.Shown { return &l.Images },
		func(name string) page.Shown { return shown(name, cases[name].Cause) })
	held(t, page.Kubelet, what, func() map[string]page.Look { return of(true) }, func(l *page.Looks) *[]page.Shown { return &l.Pods },
		func(name string) page.Shown {
			return steps[slices.IndexFunc(steps, func(s step) bool { return s.pod() == name })].shown()
		})
}

// held compares what is seen with the record, or records it.
func held(t *testing.T, id, what string, see func() map[string]page.Look, of func(*page.Looks) *[]page.Shown,
	describe func(string) page.Shown) {
	looks, err := page.ReadLooks(tool.Root())
	require.NoError(t, err)
	at := slices.IndexFunc(looks.Runtimes, func(r page.Runtime) bool { return r.ID == id })
	if !*update {
		require.GreaterOrEqual(t, at, 0, "nothing is recorded of %s: make looks", id)
		if looks.Runtimes[at].What != what {
			t.Skipf("recorded of %s; here is %s", looks.Runtimes[at].What, what)
		}
		for name, look := range see() {
			i := slices.IndexFunc(*of(&looks), func(s page.Shown) bool { return s.Name == name })
			if assert.GreaterOrEqual(t, i, 0, "%s is not recorded: make looks", name) {
				assert.Equal(t, (*of(&looks))[i].Seen[id], look, name)
			}
		}
		return
	}
	if at < 0 {
		looks.Runtimes = append(looks.Runtimes, page.Runtime{ID: id})
		at = len(looks.Runtimes) - 1
	}
	looks.Runtimes[at].What = what
	all := of(&looks)
	for name, look := range see() {
		i := slices.IndexFunc(*all, func(s page.Shown) bool { return s.Name == name })
		if i < 0 {
			*all = append(*all, describe(name))
			i = len(*all) - 1
		}
		was := (*all)[i].Seen
		(*all)[i] = describe(name)
		if (*all)[i].Seen = was; was == nil {
			(*all)[i].Seen = map[string]page.Look{}
		}
		(*all)[i].Seen[id] = look
	}
	slices.SortStableFunc(looks.Images, func(a, b page.Shown) int { return place(a.Name) - place(b.Name) })
	slices.SortStableFunc(looks.Pods, func(a, b page.Shown) int { return strings.Compare(a.Image, b.Image) })
	looks.Images = slices.DeleteFunc(looks.Images, func(s page.Shown) bool { return place(s.Name) < 0 })
	var out bytes.Buffer
	out.WriteString("# What is printed where an image of each cause is really started. Written by `make looks`; read by `dev sync`.\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	require.NoError(t, encoder.Encode(looks))
	require.NoError(t, os.WriteFile(filepath.Join(tool.Root(), "docs", "causes", "looks.yaml"), out.Bytes(), 0o644))
}

func place(name string) int {
	return slices.IndexFunc(images, func(i [2]string) bool { return i[0] == name })
}

func shown(name string, cause doctor.Cause) page.Shown {
	return page.Shown{Cause: cause, Image: images[place(name)][1], Name: name}
}

// Every line that a runtime printed leads `doctor --message` back to its cause.
func TestTheDoctorKnowsWhatIsPrinted(t *testing.T) {
	looks, err := page.ReadLooks(tool.Root())
	require.NoError(t, err)
	named := func(text string) (causes []doctor.Cause) {
		for _, l := range message.Read(text).Causes {
			causes = append(causes, l.Cause)
		}
		return causes
	}
	for _, q := range looks.Quoted {
		assert.Subset(t, named(q.Says), q.Causes, q.Says)
	}
	have := map[doctor.Cause]bool{}
	for _, shown := range slices.Concat(looks.Images, looks.Pods) {
		for id, look := range shown.Seen {
			if shown.Cause == "" || look.Says+look.Log == "" || look.None != "" {
				continue
			}
			have[shown.Cause] = true
			assert.Contains(t, named(look.Says+"\n"+look.Log), shown.Cause, "%s on %s: %s%s", shown.Name, id, look.Says, look.Log)
		}
	}
	for _, r := range doctor.Causes() {
		assert.True(t, have[r.Cause], "no image of %s was started", r.Cause)
	}
}
