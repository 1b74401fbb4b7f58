package message

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/yamlfile"
)

// public is a message out of a public report, and what was the cause there.
type public struct {
	Source string       `yaml:"source"`
	Cause  doctor.Cause `yaml:"cause"` // empty: the text is about something else
	Text   string       `yaml:"text"`
}

// Of public reports' messages the true cause comes first in 80 of 100, and is among those
// named in 95; what is about something else gets no answer.
func TestPublicReports(t *testing.T) {
	for _, file := range []string{"public.yaml", "held.yaml", "around.yaml"} {
		var all []public
		err := yamlfile.Read(filepath.Join("testdata", file), &all)
		require.NoError(t, err)
		first, among := 0, 0
		for _, p := range all {
			var named []doctor.Cause
			for _, l := range Read(p.Text).Causes {
				named = append(named, l.Cause)
			}
			switch at := slices.Index(named, p.Cause); {
			case at == 0 || p.Cause == "" && len(named) == 0:
				first++
				fallthrough
			case at > 0:
				among++
				fallthrough
			default:
				if at != 0 && len(named) > 0 {
					t.Logf("%s: %q, and not first of %q: %s", p.Source, p.Cause, named, p.Text)
				}
			}
		}
		t.Logf("%s: first in %d, among those named in %d of %d", file, first, among, len(all))
		assert.GreaterOrEqual(t, first*100, len(all)*80, file)
		assert.GreaterOrEqual(t, among*100, len(all)*95, file)
	}
}

// What fails in a container that runs, or before there is one, is something else.
func TestSomethingElse(t *testing.T) {
	for _, text := range []string{
		"", "CrashLoopBackOff", "Exited (137)", "OOMKilled", "Back-off restarting failed container",
		"FileNotFoundError: [Errno 2] No such file or directory: '/data/config.yaml'",
		"npm ERR! enoent ENOENT: no such file or directory, open '/app/package.json'",
		"error No command specified.\ninfo Commands available from binary scripts: next",
		"driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:8080 failed: port is already allocated.",
		"Error response from daemon: manifest for app:latest not found: manifest unknown: manifest unknown",
		"Failed to pull image \"app\": rpc error: code = NotFound desc = failed to pull and unpack image: not found",
		"no matching manifest for linux/arm64/v8 in the manifest list entries",
		"error getting credentials - err: exec: \"docker-credential-desktop\": executable file not found in $PATH, out: ``",
		"bash: docker-compose: command not found",
		"Readiness probe failed: /bin/sh: curl: not found",
		"COPY failed: stat /var/lib/docker/tmp/builder1/app: no such file or directory",
		"permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
		"panic: open /etc/app/config.json: permission denied",
		"OCI runtime create failed: unable to retrieve OCI runtime error (open /run/x/log.json: no such file or directory): " +
			"runc did not terminate successfully: exit status 127: unknown",
		"error during container init: error mounting \"/x/n.conf\" to rootfs at \"/etc/n.conf\": mount /x/n.conf:/etc/n.conf, " +
			"flags: 0x5000: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?",
		"level=error msg=\"cannot render\" err=\"fork/exec /usr/local/bin/helm: no such file or directory\"",
		"MountVolume.SetUp failed for volume \"config\" : configmap \"app\" not found",
		"python: can't open file '/app/main.py': [Errno 2] No such file or directory",
		"Error: Unable to access jarfile /app.jar",
		"panic: runtime error: invalid memory address or nil pointer dereference\nexit status 2",
		"dial tcp 10.0.0.1:5432: connect: connection refused",
	} {
		assert.Empty(t, Read(text).Causes, text)
	}
}

// What looks like a probe's words, or a script's, and is a failed start.
func TestAlike(t *testing.T) {
	for text, cause := range map[string]doctor.Cause{
		`docker: Error response from daemon: runc create failed: exec: "curl": executable file not found in $PATH`: doctor.NotOnPath,
		"/app: line 1: \x7fELF\x02\x01: not found": doctor.WrongArchitecture,
	} {
		if named := Read(text).Causes; assert.NotEmpty(t, named, text) {
			assert.Equal(t, cause, named[0].Cause, text)
		}
	}
}

// A cause that formats.yaml names is one of the doctor's.
func TestEveryFormatNamesACause(t *testing.T) {
	for _, f := range known().Formats {
		assert.Equal(t, f.By == "", len(f.Causes) > 0, f.Match)
		for _, c := range f.Causes {
			assert.NotEmpty(t, c.Row().Title, c)
		}
	}
	for _, r := range known().Rules {
		for _, c := range r.Causes {
			assert.NotEmpty(t, c.Row().Title, c)
		}
	}
}
