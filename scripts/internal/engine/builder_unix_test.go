//go:build unix

package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/scripts/internal/self"
)

// oldDocker puts a docker on PATH that knows a plugin, and whose own `build` is
// still the legacy builder's, as before docker 23.
func oldDocker(t *testing.T, plugin string) *Engine {
	t.Helper()
	dir := t.TempDir()
	script := `#!/bin/sh
case "$1 $2" in
"info --format") echo '{"ServerVersion":"20.10.24","OSType":"linux","Architecture":"x86_64","ClientInfo":{"Context":"mine","Plugins":[` + plugin + `]}}' ;;
"buildx build") [ "$3 $4" = "--builder mine" ] || exit 1; while [ "$1" != --iidfile ]; do shift; done; echo sha256:built-by-buildx >"$2" ;;
"build "*) echo "unknown flag: --load" >&2; exit 125 ;;
esac
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755))
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	t.Setenv("CONTAINER_ENGINE", "docker")
	t.Setenv("DOCKER_BUILDKIT", "")
	t.Setenv(self.CacheVariable, t.TempDir())
	e, err := Find(t.Context())
	require.NoError(t, err)
	return e
}

func TestBuildKitIsReachedWithAnOldClientToo(t *testing.T) {
	e := oldDocker(t, `{"Name":"compose"},{"Name":"buildx"}`)
	require.Equal(t, BuildKit, e.Builder)
	id, err := e.Build(t.Context(), BuildRequest{Dir: ".", Dockerfile: "Dockerfile", Tag: "a"})
	require.NoError(t, err)
	assert.Equal(t, "sha256:built-by-buildx", id)
}

func TestAPluginThatIsOfNoUseIsNone(t *testing.T) {
	for name, plugin := range map[string]string{"broken": `{"Name":"buildx","Err":"no such file"}`, "none": ``} {
		assert.Equal(t, Legacy, oldDocker(t, plugin).Builder, name)
	}
}
