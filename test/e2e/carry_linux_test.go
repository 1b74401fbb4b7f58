package e2e

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/test/engines"
)

// Where the article's image itself is in the engine, it has no modules in it: it
// is carried with them, and where it was loaded it is used before the other.
func TestTheImageItselfIsCarriedWithTheModules(t *testing.T) {
	here := engines.Engine(t)
	c, err := base.Load("../../bases")
	require.NoError(t, err)
	b, err := c.Find("article")
	require.NoError(t, err)
	first, err := base.Portable(t.Context(), here, b, nil)
	require.NoError(t, err)

	own := engines.OwnDaemon(t)
	own.Load(t, first.Image)
	t.Setenv("DOCKER_HOST", own.Host)
	e, err := engine.Find(t.Context())
	require.NoError(t, err)
	// What a registry would have given: the same, without modules, under the image's own name.
	require.NoError(t, e.Run(t.Context(), strings.NewReader("FROM "+first.Image+"\n"+
		"RUN rm -r /usr/local/share/goproxy\nENV GOPROXY=https://127.0.0.1:9,direct\n"), nil, nil, "build", "--tag", b.Image, "-"))
	own.Docker(t, "rmi", "--no-prune", first.Image)

	real, err := base.Ensure(t.Context(), e, b, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{base.Present, b.Image}, []string{real.Source, real.Image})
	assert.Error(t, compiles(t.Context(), t, e, real), "it is of no use without a network")

	carried, err := base.Portable(t.Context(), e, b, tell.Plain{Writer: t.Output()})
	require.NoError(t, err)
	assert.NotEqual(t, b.Image, carried.Image)
	assert.NoError(t, compiles(t.Context(), t, e, carried))

	again, err := base.Here(t.Context(), e, b)
	require.NoError(t, err)
	assert.Equal(t, base.Present, again.Source, "on the teacher's machine all stays as it was")
	t.Setenv(program.CacheVariable, t.TempDir())
	digest, err := b.Recipe.Digest(e.Arch)
	require.NoError(t, err)
	assert.Error(t, base.NoteLoaded(t.Context(), e, b.Image, digest), "only what the recipe makes counts as loaded")
	require.NoError(t, base.NoteLoaded(t.Context(), e, carried.Image, digest))
	again, err = base.Here(t.Context(), e, b)
	require.NoError(t, err)
	assert.Equal(t, []string{base.Loaded, carried.Image}, []string{again.Source, again.Image})
}

// compiles builds the app in a base, without a network.
func compiles(ctx context.Context, t *testing.T, e *engine.Engine, in *base.Ready) error {
	var words bytes.Buffer
	err := e.Run(ctx, app(t), nil, &words, "run", "--rm", "-i", "--pull=never", "--network", "none", in.Image, "sh", "-ec",
		"mkdir /app; cd /app; tar xf -; go build -o /tmp/echo .")
	t.Log(words.String())
	return err
}
