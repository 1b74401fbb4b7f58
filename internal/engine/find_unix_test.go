//go:build unix

package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
)

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
			e, err := engine.Find(t.Context())
			if c.want == "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []string{c.want, c.says}, []string{e.Name, e.Instead})
		})
	}
}
