// Package warm gives tests a base with the app's packages compiled in
// it. What a test changes of the app or its Dockerfile is still compiled and linked
// for real, in a second instead of half a minute. The six steps themselves are
// tested on the base as it is.
package warm

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
)

// recipe compiles with cgo and without: the steps do both. Whoever builds later may write to what is there.
const recipe = `ARG GO_IMAGE
FROM ${GO_IMAGE}
ENV GOCACHE=/go/cache
COPY . /app
RUN cd /app && go build -o /tmp/echo . && CGO_ENABLED=0 go build -o /tmp/echo . && rm -r /tmp/echo /app && chmod -R a+rwX /go
`

// Catalog is that of the repo's bases, with the warm base as the article's.
func Catalog(t testing.TB, e *engine.Engine, repo string) base.Catalog {
	t.Helper()
	catalog, err := base.Load(filepath.Join(repo, "bases"))
	require.NoError(t, err)
	article := &catalog[0]
	article.Image, article.Recipe = Base(t, e, repo, article.ID), nil
	return catalog
}

// Base builds the image of a base, or finds it built, and gives its name. It stays in the
// engine for the next test; `clean` removes it.
func Base(t testing.TB, e *engine.Engine, repo, id string) string {
	t.Helper()
	catalog, err := base.Load(filepath.Join(repo, "bases"))
	require.NoError(t, err)
	cold, err := catalog.Find(id)
	require.NoError(t, err)
	ready, err := base.Ensure(context.Background(), e, cold, nil)
	require.NoError(t, err)
	dockerfile := filepath.Join(t.TempDir(), "Dockerfile")
	require.NoError(t, os.WriteFile(dockerfile, []byte(recipe), 0o644))
	tag := engine.Repository + "/warm:go" + cold.Go
	_, err = e.Build(context.Background(), engine.BuildRequest{
		Dir: filepath.Join(repo, "steps/01-single-stage"), Dockerfile: dockerfile, Tag: tag,
		Made: engine.MadeStep, Args: []string{"GO_IMAGE=" + ready.Image},
	})
	require.NoError(t, err)
	return tag
}
