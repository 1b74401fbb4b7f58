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

// Tries of one compile are a group, in their order, wherever they stand.
func TestTriesThatShareACompileAreAGroup(t *testing.T) {
	a, b, c := &job{compile: "x"}, &job{compile: "y"}, &job{compile: "x"}
	assert.Equal(t, [][]*job{{a, c}, {b}}, groups([]*job{a, b, c}))
}

// What is timed, or held against another image, waits for the builds of the others.
func TestWhatIsTimedComesLast(t *testing.T) {
	var expect table.Expectation
	late := func() bool { return (&job{try: table.Try{Expect: expect}}).late() }
	expect.Log = "what needs nothing else"
	assert.False(t, late())
	for _, ask := range []func(){
		func() { expect.Keeps = "RUN go build" }, func() { expect.Machines = []string{"arm64"} }, func() { expect.Repeats = table.Layers },
		func() { expect.Saves = 1 }, func() { expect.NumericUser = new(bool) }, func() { expect.SameLayersAs = "04-a" },
	} {
		expect = table.Expectation{}
		ask()
		assert.True(t, late(), expect)
	}
}

// events keeps what a reporter is told.
type events []Event

func (e *events) Say(string)       {}
func (e *events) Step(event Event) { *e = append(*e, event) }
