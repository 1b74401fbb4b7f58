package looks

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/tell/page"
	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
)

// pause is an image that does nothing, for ever: busybox, that sleeps.
func pause(t *testing.T) corpus.Spec {
	t.Helper()
	at, err := exec.LookPath("busybox")
	if err != nil {
		engines.Without(t, "busybox is not on PATH")
	}
	data, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	return corpus.Spec{
		Entrypoint: []string{"/busybox", "sleep", "1000000"},
		Files:      map[string]corpus.File{"/busybox": {Mode: 0o755, Data: data}},
	}
}

// step is a step's image in the machine's docker, once with and once without runAsNonRoot.
type step struct {
	name, tag, user string
	nonRoot         bool
}

// pod is the name of its pod.
func (s step) pod() string {
	if s.nonRoot {
		return "step-" + s.name + "-non-root"
	}
	return "step-" + s.name
}

// shown is what the record says of it, beside what is seen.
func (s step) shown() page.Shown {
	shown := page.Shown{Name: s.pod(), Image: s.name}
	if !s.nonRoot {
		return shown
	}
	shown.Image += ", runAsNonRoot"
	switch user, _, _ := strings.Cut(s.user, ":"); {
	case user == "" || user == "0":
		shown.Cause = doctor.RunAsNonRootRoot
	case strings.Trim(user, "0123456789") != "":
		shown.Cause = doctor.RunAsNonRootName
	}
	return shown
}

// inPods starts images of the corpus, and the steps', as pods of one kubelet.
func inPods(t *testing.T, cases map[string]corpus.Case, steps []step) (what string, seen map[string]page.Look) {
	t.Helper()
	specs := map[string]corpus.Spec{engines.Pause: pause(t)}
	pods := map[string]engines.Pod{}
	for _, i := range images {
		specs[corpus.Tag(i[0])] = cases[i[0]].Image
		pods[i[0]] = engines.Pod{Image: corpus.Tag(i[0])}
	}
	var tags []string
	for i, s := range steps {
		pods[s.pod()] = engines.Pod{Image: s.tag, RunAsNonRoot: s.nonRoot, Port: 8081 + i}
		tags = append(tags, s.tag)
	}
	k := engines.StartKubelet(t)
	k.Load(t, func(to io.Writer) error { return corpus.Save(to, specs, nil) })
	if len(tags) > 0 {
		k.Load(t, func(to io.Writer) error {
			save := exec.Command("docker", append([]string{"save"}, tags...)...)
			save.Stdout = to
			return save.Run()
		})
	}
	k.Start(t)
	seen = map[string]page.Look{}
	for name, status := range k.Run(t, pods) {
		look := page.Look{Status: status.Status, Reason: status.Reason, Exit: status.Exit, Says: same(status.Message), Log: same(status.Log)}
		if look.Log == strings.TrimSpace(corpus.Marker) {
			look = page.Look{Exit: status.Exit, None: startsThere}
			if cases[name].Cause != doctor.UserCannotExecute {
				look.None = "nothing: it starts there"
			}
		}
		seen[name] = look
	}
	return k.What, seen
}
