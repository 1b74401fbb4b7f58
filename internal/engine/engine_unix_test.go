//go:build unix

package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An image that could not be looked at is not gone: the next clean finds it in the
// ledger. (No real engine can be made to answer so for one image; this one fails for "unclear".)
func TestCleanForgetsOnlyWhatIsGone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte(`#!/bin/sh
case "$*" in
"image inspect -- gone") echo "Error response from daemon: No such image: gone" >&2; exit 1 ;;
"image inspect -- unclear") echo "Error response from daemon: something unexpected" >&2; exit 1 ;;
esac
`), 0o755))
	e := &Engine{Name: "docker", path: filepath.Join(dir, "docker"), Ledger: Ledger{Path: filepath.Join(dir, "ledger")}}
	for _, id := range []string{"gone", "unclear"} {
		e.Ledger.note(entry{e.Key(), id, owner(), 1})
	}
	_, err := e.Clean(t.Context(), nil)
	require.NoError(t, err)
	left := e.Ledger.entries(e.Key())
	require.Len(t, left, 1)
	assert.Equal(t, "unclear", left[0].id)
}

// What runs in other processes is left to them, and that is said; so is what a process
// made that cannot be seen from here. What was kept on purpose goes.
func TestCleanLeavesWhatIsUnderWay(t *testing.T) {
	dir := t.TempDir()
	owners := map[string]string{
		"alive": OwnerOf(os.Getppid()), "elsewhere": "1@another-host", "kept": "", "orphaned": OwnerOf(999999999), "own": owner(),
	}
	script := "#!/bin/sh\necho \"$*\" >>" + dir + "/calls\ncase \"$*\" in\nps*) echo"
	for id := range owners {
		script += " " + id
	}
	script += " ;;\n"
	for id, owner := range owners {
		script += fmt.Sprintf("'container inspect --format {{index .Config.Labels %q}} %s') echo %s ;;\n", LabelOwner, id, owner)
	}
	script += "'image inspect -- '*) echo '[{\"Id\":\"x\",\"Config\":{\"Labels\":{\"" + LabelMade + "\":\"step\"}}}]' ;;\nesac\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755))
	e := &Engine{Name: "docker", path: filepath.Join(dir, "docker"), Ledger: Ledger{Path: filepath.Join(dir, "ledger")}}
	e.Ledger.note(entry{e.Key(), "in-the-making", owners["alive"], 1})
	e.Ledger.note(entry{e.Key(), "made", owners["orphaned"], 1})

	done, err := e.Clean(t.Context(), nil)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "calls"))
	require.NoError(t, err)
	calls := string(text)
	for _, id := range []string{"kept", "orphaned", "own"} {
		assert.Contains(t, calls, "rm --force --volumes "+id+"\n")
	}
	assert.Contains(t, calls, "rmi --no-prune made\n")
	for _, id := range []string{"alive", "elsewhere", "in-the-making"} {
		assert.NotRegexp(t, "(?m)^rmi? .*"+id, calls)
	}
	require.Len(t, done.Kept, 2)
	for i, id := range []string{"alive", "elsewhere"} {
		said := slices.Sorted(slices.Values(done.Kept))[i]
		assert.Contains(t, said, "container "+id+" of a run under way, process "+owners[id])
		assert.Contains(t, said, "docker rm --force "+id)
	}
	assert.Len(t, e.Ledger.entries(e.Key()), 1, "the run needs its lines")
}

// A call ends when the engine hangs, those after it fail at once, and all is well
// when it answers again. (A real engine is paused in `make faults`.)
func TestACallEndsWhenTheEngineHangs(t *testing.T) {
	dir := t.TempDir()
	hangs := filepath.Join(dir, "hangs")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n[ -e "+hangs+" ] && exec sleep 600\nexit 0\n"), 0o755))
	require.NoError(t, os.WriteFile(hangs, nil, 0o644))
	was := []time.Duration{watchTime, aliveTime, againTime}
	t.Cleanup(func() { watchTime, aliveTime, againTime = was[0], was[1], was[2] })
	watchTime, aliveTime, againTime = 50*time.Millisecond, 200*time.Millisecond, 5*time.Second
	e := &Engine{Name: "docker", path: filepath.Join(dir, "docker")}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()

	var lost *Unavailable
	require.ErrorAs(t, e.Run(ctx, nil, nil, nil, "build"), &lost)
	assert.Contains(t, lost.Reason, "the engine hangs")
	againTime = 50 * time.Millisecond
	assert.ErrorAs(t, e.Run(ctx, nil, nil, nil, "rm"), &lost)
	require.NoError(t, os.Remove(hangs))
	againTime = 5 * time.Second
	assert.NoError(t, e.Run(ctx, nil, nil, nil, "rm"))
	require.NoError(t, ctx.Err())
}

// Docker's program is often there without a daemon: then a podman that works does the
// work, unless somebody has said which engine it shall be.
func TestAPodmanThatWorksTakesThePlaceOfADockerThatDoesNot(t *testing.T) {
	const silent, podman = `echo "Cannot connect to the Docker daemon at unix:///a.sock" ` +
		`>&2; exit 1`, `echo '{"version":{"Version":"4.3.1"}}'`
	const docker = `echo '{"ServerVersion":"29.0.0"}'`
	for name, c := range map[string]struct {
		docker, podman string
		env            map[string]string
		want, says     string
	}{
		"docker is silent": {docker: silent, podman: podman, want: "podman",
			says: "docker does not answer (Cannot connect to the Docker daemon at unix:///a.sock): podman does the work " +
				"(CONTAINER_ENGINE=docker insists on docker)"},
		"both answer":         {docker: docker, podman: podman, want: "docker"},
		"both are silent":     {docker: silent, podman: "exit 1", says: "docker is installed, but"},
		"docker alone":        {docker: silent, says: "docker is installed, but"},
		"podman alone":        {podman: podman, want: "podman"},
		"docker is asked for": {docker: silent, podman: podman, env: map[string]string{"CONTAINER_ENGINE": "docker"}, says: "docker is installed, but"},
		"a host is":           {docker: silent, podman: podman, env: map[string]string{"DOCKER_HOST": "unix:///a.sock"}, says: "docker is installed, but"},
		"a context is":        {docker: silent, podman: podman, env: map[string]string{"DOCKER_CONTEXT": "far"}, says: "docker is installed, but"},
		"podman is":           {docker: silent, podman: podman, env: map[string]string{"CONTAINER_ENGINE": "podman"}, want: "podman"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for program, script := range map[string]string{"docker": c.docker, "podman": c.podman} {
				if script != "" {
					require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
				}
			}
			t.Setenv("PATH", dir)
			for _, variable := range []string{"CONTAINER_ENGINE", "DOCKER_HOST", "DOCKER_CONTEXT"} {
				t.Setenv(variable, c.env[variable])
			}
			e, err := Find(t.Context())
			if c.want == "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []string{c.want, c.says}, []string{e.Name, e.Instead})
		})
	}
}
