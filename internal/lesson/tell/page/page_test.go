package page

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
)

// A lesson may be one that does not build: then there is no image to speak of.
func TestALessonThatDoesNotBuildHasAPage(t *testing.T) {
	step := table.Step{Name: "13-no-network", Against: "06-nonroot-scratch", Tries: []table.Try{{Dockerfile: "Dockerfile"}}}
	failed := run.Outcome{Step: step.Name, Dockerfile: "Dockerfile", Outcome: table.Fails, Phase: table.Build, Cause: run.BuildFailed, Verdict: run.AsExpected}
	from := source{Step: step, Beyond: []table.Step{step}, Measured: &record.Run{
		Engine: &engine.Engine{Name: "docker"}, Base: &base.Ready{Image: "golang"}, Steps: []run.Outcome{failed},
	}}
	for _, name := range []string{"figure", "beyond"} {
		text, err := part(name, from)
		require.NoError(t, err, name)
		assert.Contains(t, text, "fails at build: build-failed", name)
	}
	text, _ := part("figure", from)
	assert.Contains(t, text, "| no image | – |")
}
