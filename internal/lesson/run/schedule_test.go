package run

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
)

// A try that this builder cannot do is not planned, and that is told of the steps asked for.
func TestWhatIsLeftOutIsTold(t *testing.T) {
	try := []table.Try{{Dockerfile: "Dockerfile", Needs: engine.BuildKit}}
	asked, other := table.Step{Name: "11-a", Tries: try}, table.Step{Name: "12-b", Tries: try}
	var told events
	trial := &Trial{
		Engine: &engine.Engine{Builder: engine.Legacy}, Steps: []table.Step{asked, other},
		Report: &told,
	}
	assert.Empty(t, trial.plan([]table.Step{asked}))
	assert.Equal(t, events{{Step: "11-a", Dockerfile: "Dockerfile", LeftOut: "it needs buildkit, and the builder here is legacy"}}, told)
	trial.Engine.Builder = engine.BuildKit
	assert.Len(t, trial.plan([]table.Step{asked}), 1)
}

// events keeps what a reporter is told.
type events []Event

func (e *events) Say(string)       {}
func (e *events) Step(event Event) { *e = append(*e, event) }
