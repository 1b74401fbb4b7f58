package engine_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/test/engines"
)

// oldDocker gives the engine of a docker that knows a plugin, and whose own `build`
// is still the legacy builder's, as before docker 23.
func oldDocker(t *testing.T, plugin string) *engine.Engine {
	t.Helper()
	t.Setenv("DOCKER_BUILDKIT", "")
	return engines.Scripted(t, `case "$1 $2" in
"info --format") echo '{"ServerVersion":"20.10.24","OSType":"linux","Architecture":"x86_64","ClientInfo":{"Context":"mine","Plugins":[`+plugin+`]}}' ;;
"buildx build") [ "$3 $4" = "--builder mine" ] || exit 1 ;;
"image inspect") echo '[{"Id":"sha256:built-by-buildx"}]' ;;
"build "*) echo "unknown flag: --load" >&2; exit 125 ;;
esac
`)
}

func TestBuildKitIsReachedWithAnOldClientToo(t *testing.T) {
	e := oldDocker(t, `{"Name":"compose"},{"Name":"buildx"}`)
	require.Equal(t, engine.BuildKit, e.Builder)
	image, err := e.Build(t.Context(), engine.BuildRequest{Dir: ".", Dockerfile: "Dockerfile", Tag: "a"})
	require.NoError(t, err)
	assert.Equal(t, "sha256:built-by-buildx", image.ID)
}

func TestAPluginThatIsOfNoUseIsNone(t *testing.T) {
	for name, plugin := range map[string]string{"broken": `{"Name":"buildx","Err":"no such file"}`, "none": ``} {
		assert.Equal(t, engine.Legacy, oldDocker(t, plugin).Builder, name)
	}
}
