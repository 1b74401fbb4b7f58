package table

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABaseChangesTheStepsThatTurnOnIt(t *testing.T) {
	steps, err := Load("../../../steps")
	require.NoError(t, err)
	third := func(traits ...Trait) (Step, Expectation) {
		step, _ := Find(On(steps, traits), "3")
		return step, step.Main().Expect
	}

	step, expect := third()
	assert.Equal(t, "/lib/ld-musl-x86_64.so.1", expect.Missing.On("amd64"))
	assert.Contains(t, step.Why, "names a loader")

	step, expect = third(Glibc)
	assert.Equal(t, "/lib64/ld-linux-x86-64.so.2", expect.Missing.On("amd64"))
	assert.Contains(t, step.Why, "glibc")

	step, expect = third(Glibc, CgoOff)
	assert.Equal(t, Runs, expect.Outcome, "without cgo the C library does not matter")
	assert.Contains(t, step.Why, "1.20")

	for _, step := range On(steps, []Trait{Glibc, CgoOff, NoAdduser}) {
		for _, try := range step.Tries {
			assert.Equal(t, Build, try.Expect.Phase, "%s (%s): no step gets past RUN adduser", step.Name, try.Dockerfile)
		}
	}
	_, expect = third()
	assert.Equal(t, Fails, expect.Outcome, "the table itself stays as it is")

	second, _ := Find(On(steps, []Trait{CgoOff}), "2")
	assert.Equal(t, "missing-shell", second.Main().Expect.Cause, "cgo has no part in step 2")
}
