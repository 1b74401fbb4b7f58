package run

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/table"
)

// Each figure is held against its expectation, and one that was not taken is no success.
func TestEveryFigureIsHeldAgainstItsExpectation(t *testing.T) {
	yes := true
	for name, c := range map[string]struct {
		want table.Extras
		good Measured
		bad  Measured
	}{
		"keeps":        {table.Extras{Keeps: "RUN a"}, Measured{Kept: []string{"RUN b", "RUN a"}}, Measured{Kept: []string{"RUN b"}}},
		"saves":        {table.Extras{Saves: 2_000_000}, Measured{BinaryBefore: 12_000_000}, Measured{BinaryBefore: 11_999_999}},
		"numeric user": {table.Extras{NumericUser: &yes}, Measured{NumericUser: &yes}, Measured{NumericUser: new(bool)}},
		"health":       {table.Extras{Health: "unhealthy"}, Measured{Health: "unhealthy"}, Measured{Health: "healthy"}},
		"machines":     {table.Extras{Machines: []string{"amd64", "arm64"}}, Measured{Machines: []string{"amd64", "arm64"}}, Measured{Machines: []string{"amd64"}}},
		"repeats":      {table.Extras{Repeats: table.Layers}, Measured{Repeats: table.Layers}, Measured{Repeats: table.Nothing}},
		"repeats more": {table.Extras{Repeats: table.Layers}, Measured{Repeats: table.Digest}, Measured{Repeats: table.Nothing}},
		"repeats not":  {table.Extras{Repeats: table.Nothing}, Measured{Repeats: table.Nothing}, Measured{Repeats: table.Layers}},
	} {
		o := Outcome{
			Expected: table.Expectation{Outcome: table.Runs, Extras: c.want}, Outcome: table.Runs, Phase: table.Serve,
			Image: &Image{Bytes: 10_000_000, Binary: 10_000_000},
		}
		o.Measured = &c.good
		verdict, reasons := judge(o, "amd64", nil)
		require.Equal(t, AsExpected, verdict, "%s: %v", name, reasons)
		for what, m := range map[string]*Measured{"another figure": &c.bad, "no figure": nil} {
			o.Measured = m
			verdict, reasons = judge(o, "amd64", nil)
			assert.Equal(t, Unexpected, verdict, "%s: %s", name, what)
			assert.Len(t, reasons, 1, "%s: %s", name, what)
		}
	}
}

func TestAUserIsToldFromRootByItsNumberOnly(t *testing.T) {
	for user, can := range map[string]bool{
		"12345:12345": true, "12345": true, "12345:echo": true,
		"": false, "0": false, "0:12345": false, "root": false, "echo:echo": false, "echo:12345": false,
	} {
		assert.Equal(t, can, canTellFromRoot(user), user)
	}
}
