package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/classroom/learn"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/test/engines"
)

// BUILDX_BUILDER is as good as --builder, which goes before it: a builder that cannot
// see the engine's images gets the base handed over.
func TestTheBuilderOfTheEnvironmentBuilds(t *testing.T) {
	saved := filepath.Join(t.TempDir(), "saved.tar")
	require.NoError(t, tarball.WriteToFile(saved, name.MustParseReference("base:1"), empty.Image))
	for _, c := range []struct{ option, variable, plugins, want string }{
		{"", "", `{"Name":"buildx"}`, ""},
		{"", "apart", `{"Name":"buildx"}`, "apart"},
		{"apart", "of-no-use", `{"Name":"buildx"}`, "apart"},
		{"", "apart", ``, ""}, // the legacy builder knows no others
	} {
		t.Setenv("DOCKER_BUILDKIT", "")
		t.Setenv("BUILDX_BUILDER", c.variable)
		e := engines.Scripted(t, `case "$*" in
info*) echo '{"ServerVersion":"29.0.0","ClientInfo":{"Version":"29.0.0","Plugins":[`+c.plugins+`]}}' ;;
"buildx inspect apart") echo "Driver: docker-container" ;;
"save --output "*) /bin/cp `+saved+` "$3" ;;
*) exit 1 ;;
esac
`)
		given, cleanUp, err := runOptions{builder: c.option}.handOver(t.Context(), e, "base:1", nil)
		require.NoError(t, err)
		assert.Equal(t, c.want, e.Using)
		if c.want == "" {
			assert.Empty(t, given)
		} else if assert.Len(t, given, 1) {
			assert.True(t, strings.HasPrefix(given[0], "base:1="), given[0])
		}
		cleanUp()
		if c.plugins != "" {
			assert.Equal(t, engine.BuildKit, e.Builder)
		}
	}
}

// `dev record` on a builder that cannot do all says what it leaves as it was.
func TestARecordKeepsWhatThisBuilderCannotDo(t *testing.T) {
	dir, said := t.TempDir(), &bytes.Buffer{}
	c := course{dir: dir, own: []table.Step{{Name: "11-a", Tries: []table.Try{{Dockerfile: "Dockerfile", Needs: engine.BuildKit}}}}}
	doc := record.Run{
		Engine: &engine.Engine{Name: "docker", Version: "29", Builder: engine.BuildKit}, Base: &record.Base{Name: "other"},
		Steps: []run.Outcome{{Step: "11-a", Dockerfile: "Dockerfile"}},
	}
	say := tell.Plain{Writer: said}
	require.NoError(t, runOptions{steps: dir, record: true}.keepRecord(c, doc, say))
	require.Empty(t, said.String())
	doc.Engine, doc.Steps = &engine.Engine{Builder: engine.Legacy}, nil
	require.NoError(t, runOptions{steps: dir, record: true}.keepRecord(c, doc, say))
	assert.Equal(t, "kept as it was recorded: 11-a (Dockerfile), of docker 29 and its buildkit builder\n", said.String())
	kept, err := record.Read(dir, "other")
	require.NoError(t, err)
	assert.Len(t, kept.Steps, 1)
}

// A relative path means the folder that one is in, also for a verb that works on the repo around it.
func TestARelativePathMeansTheFolderThatOneIsIn(t *testing.T) {
	t.Chdir("../docs")
	here, err := os.Getwd()
	require.NoError(t, err)
	done := filepath.Join(t.TempDir(), "done.json")
	steps, err := table.Load("../steps")
	require.NoError(t, err)
	progress, err := learn.ReadProgress(done)
	require.NoError(t, err)
	for _, step := range steps {
		require.NoError(t, progress.Done(step.Name, learn.Score{}))
	}
	relative, err := filepath.Rel(here, done)
	require.NoError(t, err)
	t.Setenv(progressVariable, relative)
	var out strings.Builder
	assert.Equal(t, exitExpected, execute(t.Context(), []string{"learn"}, &out, &out), out.String())
	assert.Contains(t, out.String(), "You have done all the steps")
	assert.Equal(t, exitExpected, execute(t.Context(), []string{"diff", "3", "--steps", "../steps"}, &out, &out), out.String())
	now, err := os.Getwd()
	require.NoError(t, err)
	assert.Equal(t, here, now)
}
