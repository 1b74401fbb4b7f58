// Package looks starts an image of every cause on every runtime that there is, and keeps
// what is printed.
package looks

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/tell/page"
	"optimizing-dockerfile/test/corpus"
	"optimizing-dockerfile/test/engines"
)

// images are those of the corpus that are started: for each cause one, and those that look
// otherwise; and what each is.
var images = [][2]string{
	{"shell-missing", "`ENTRYPOINT /app`, and there is no /bin/sh"},
	{"no-loader", "/app asks for a loader that is not there"},
	{"turn-shell-no-loader", "the same, behind a shell form and a busybox that is there"},
	{"user-not-listed", "`USER nobody`, which passwd lacks"},
	{"user-out-of-range", "`USER 99999999999`"},
	{"group-not-listed", "`USER echo:staff`, and the group file lacks staff"},
	{"path-missing", "`ENTRYPOINT [\"/app\"]`, and there is no /app"},
	{"turn-shell-program-missing", "`ENTRYPOINT /app --serve`, and there is a shell, and no /app"},
	{"turn-script-missing", "`ENTRYPOINT [\"/bin/sh\", \"-e\", \"run.sh\"]`, and there is no run.sh"},
	{"name-not-on-path", "`ENTRYPOINT [\"app\"]`, and /opt/bin/app is not on PATH"},
	{"turn-shell-not-on-path", "`ENTRYPOINT app`, and there is a shell, and no app on PATH"},
	{"no-x", "/app has no x bit"},
	{"script-interpreter-without-x", "/start.sh names an interpreter without an x bit"},
	{"x-root-only", "/app is root's and 0700, and USER is another"},
	{"folder-closed", "/home/echo is 0700, and USER is another"},
	{"script-interpreter-closed", "/start.sh names an interpreter that is closed to the user"},
	{"turn-hashbang-not-readable", "/run.sh may be executed, and not be read"},
	{"caps-not-granted", "/app demands a capability that containers do not have"},
	{"foreign", "/app is for another machine"},
	{"foreign-loader", "/app's loader is for another machine"},
	{"text", "/app is text without a #! line"},
	{"loader-empty", "/app's loader is an empty file"},
	{"script-no-interpreter", "/start.sh begins with a #! line, and its interpreter is not there"},
	{"coreutils-env-missing", "`#!/usr/bin/env python3`, with GNU's env"},
	{"busybox-env-missing", "`#!/usr/bin/env python3`, with busybox's env"},
	{"script-crlf", "/start.sh has the line ends of Windows"},
	{"coreutils-env-crlf", "the same with `#!/usr/bin/env`, GNU's"},
	{"glibc-no-library", "a library is not there (glibc)"},
	{"musl-library-missing", "a library is not there (musl)"},
	{"version-missing", "a library is older than the program (glibc)"},
	{"symbol-now-gone", "a library lacks a symbol (glibc)"},
	{"glibc-program-on-musl", "a program for glibc on musl"},
	{"path-dangling", "/opt/bin/app is a link to what is not there"},
	{"path-loop", "/opt/bin/app is a link in a circle"},
	{"path-through-file", "`ENTRYPOINT [\"/opt/bin/app/app\"]`, and /opt/bin/app is a file"},
	{"path-folder", "`ENTRYPOINT [\"/opt/bin\"]`, a folder"},
	{"no-command", "neither ENTRYPOINT nor CMD"},
	{"empty-cmd", "`CMD [\"\"]`"},
	{"workdir-file", "`WORKDIR /app`, a file"},
	{"workdir-below-file", "`WORKDIR /app/x`, and /app is a file"},
}

// made gives the cases, by name.
func made(t testing.TB) map[string]corpus.Case {
	t.Helper()
	cases, skipped := corpus.Cases()
	if len(skipped) > 0 {
		engines.Without(t, "the corpus lacks what makes some images: "+strings.Join(skipped, "; "))
	}
	all := map[string]corpus.Case{}
	for _, c := range cases {
		all[c.Name] = c
	}
	return all
}

var (
	changing = regexp.MustCompile(`[0-9a-f]{64}|/\S*(/(?:merged|rootfs)\b)|,"time":"[^"]*"|pod: "[^"]*", container: [\w-]+`)
	usage    = regexp.MustCompile(`(?m)^(?:See 'docker run --help'\.|Run 'docker run --help' for more information)\s*`)
)

// same takes away what differs from start to start.
func same(text string) string {
	text = usage.ReplaceAllString(text, "")
	return strings.TrimSpace(changing.ReplaceAllString(text, "…$1"))
}

// startsThere is why there is nothing to see of some images on some engines.
const startsThere = "nothing: it starts, as this engine leaves a user root's rights until the program is executed"

// started runs each image in the foreground, as a person does.
func started(t *testing.T, c engines.Client, cases map[string]corpus.Case) map[string]page.Look {
	t.Helper()
	specs := map[string]corpus.Spec{}
	for _, i := range images {
		specs[corpus.Tag(i[0])] = cases[i[0]].Image
	}
	c.LoadFrom(t, func(to io.Writer) error { return corpus.Save(to, specs, nil) })
	seen := map[string]page.Look{}
	for _, i := range images {
		command := c.Command(c.Program, "run", "--rm", "--pull=never", "--network=none", corpus.Tag(i[0]))
		out, _ := command.CombinedOutput()
		exit, text := command.ProcessState.ExitCode(), same(string(out))
		look := page.Look{Exit: &exit}
		switch {
		case strings.HasPrefix(text, "docker: ") || strings.HasPrefix(text, "Error: "):
			look.Says = text
		case text == strings.TrimSpace(corpus.Marker):
			look.None = startsThere
		default:
			look.Log = text
		}
		seen[i[0]] = look
	}
	return seen
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
	pause, err := corpus.Pause()
	if err != nil {
		engines.Without(t, "an image that waits: "+err.Error())
	}
	specs, pods := map[string]corpus.Spec{engines.Pause: pause}, map[string]string{}
	for _, i := range images {
		specs[corpus.Tag(i[0])] = cases[i[0]].Image
		pods[i[0]] = engines.Pod(i[0], "", fmt.Sprintf("name: %s, image: %q", i[0], corpus.Tag(i[0])))
	}
	var tags []string
	for i, s := range steps { // each listens at a port of its own: pods share a network here
		pods[s.pod()] = engines.Pod(s.pod(), "", fmt.Sprintf("name: %s, image: %q, securityContext: {runAsNonRoot: %t}, "+
			`env: [{name: PORT, value: "%d"}]`, s.pod(), s.tag, s.nonRoot, 8081+i))
		tags = append(tags, s.tag)
	}
	k := engines.StartKubelet(t)
	k.Load(t, func(to io.Writer) error { return corpus.Save(to, specs, nil) })
	if len(tags) > 0 {
		k.Load(t, engines.Saved(tags...))
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
