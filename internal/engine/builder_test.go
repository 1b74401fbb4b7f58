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

// podman hands a RUN's two streams on to its own two.
func TestWhatARUNPrintsToStderrIsItsOwnWords(t *testing.T) {
	e := engines.Scripted(t, `case "$1" in
info) echo '{"version":{"Version":"4.3.1"},"host":{"arch":"amd64","os":"linux"}}' ;;
build) echo 'STEP 2/2: RUN go build'; echo './main.go:16:7: undefined: gin.Defaul' >&2
  echo 'Error: building at STEP "RUN go build": while running runtime: exit status 2' >&2; exit 2 ;;
esac
`)
	_, err := e.Build(t.Context(), engine.BuildRequest{Dir: ".", Dockerfile: "Dockerfile", Tag: "a"})
	var failed *engine.BuildError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "./main.go:16:7: undefined: gin.Defaul", failed.Output)
}

// The engine's own builder builds where nothing says otherwise, as it alone is sure to
// see the engine's images.
func TestNoBuilderSlipsInFromTheEnvironment(t *testing.T) {
	t.Setenv("BUILDX_BUILDER", "apart")
	e := engines.Scripted(t, `[ -z "$BUILDX_BUILDER" ] || exit 1; echo '{"ServerVersion":"29.0.0"}'`)
	_, err := e.Output(t.Context(), "build")
	assert.NoError(t, err)
}
