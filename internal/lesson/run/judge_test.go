package run

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/table"
)

var (
	oneKB  = table.Size(1000)
	small  = &Image{Bytes: 10_000_500, Binary: 10_000_000, Layers: []string{"sha256:a"}}
	loader = Outcome{
		Expected: table.Expectation{
			Outcome: table.Fails, Phase: table.Exec, Cause: "missing-loader",
			Missing: table.PerArch{"amd64": "/lib/ld-musl-x86_64.so.1"}, Overhead: &oneKB,
		},
		Outcome: table.Fails, Phase: table.Exec, Cause: "missing-loader",
		Missing: "/lib/ld-musl-x86_64.so.1", Detail: "/lib/ld-musl-x86_64.so.1", Image: small,
	}
	nonRoot = Outcome{
		Expected: table.Expectation{
			Outcome: table.Runs, User: "12345:12345", Overhead: &oneKB, SameLayersAs: "04-x", Log: "one\n\ntwo\n",
		},
		Outcome: table.Runs, Phase: table.Serve, User: "12345:12345", Image: small, Log: "one\n\ntwo\n",
	}
)

// Each expected fact is held against what happened: the one that differs is named, and no other.
func TestAVerdictNeedsEveryFactToAgree(t *testing.T) {
	layersOf04 := []string{"sha256:a"}
	for name, c := range map[string]struct {
		of     Outcome
		differ func(*Outcome)
		says   string // "" as expected
	}{
		"fails as expected":   {loader, func(o *Outcome) {}, ""},
		"runs as expected":    {nonRoot, func(o *Outcome) {}, ""},
		"an unexpected start": {loader, func(o *Outcome) { o.Outcome, o.Phase, o.Cause, o.Detail = table.Runs, table.Serve, "", "" }, "runs, where fails in phase exec with missing-loader (/lib/ld-musl-x86_64.so.1) was expected"},
		"another phase":       {loader, func(o *Outcome) { o.Phase = table.Start }, "fails in phase start, not exec"},
		"another cause":       {loader, func(o *Outcome) { o.Cause, o.Detail = "missing-entrypoint", "/ekko" }, "the cause is missing-entrypoint (/ekko), not missing-loader (/lib/ld-musl-x86_64.so.1)"},
		"another loader":      {loader, func(o *Outcome) { o.Missing = "/lib64/ld-linux-x86-64.so.2" }, "what is missing is /lib64/ld-linux-x86-64.so.2, not /lib/ld-musl-x86_64.so.1"},
		"a fat image":         {loader, func(o *Outcome) { o.Image = &Image{Bytes: 15_000_000, Binary: 10_000_000} }, "the image holds 5MB beside /echo; at most 1kB was expected"},
		"no binary":           {loader, func(o *Outcome) { o.Image = &Image{Bytes: 10_000_000} }, "the image holds no /echo"},
		"a failure":           {nonRoot, func(o *Outcome) { o.fails(table.Serve, NoAnswer, "nothing") }, "fails in phase serve with no-answer (nothing), where runs was expected"},
		"another user":        {nonRoot, func(o *Outcome) { o.User = "0:0" }, "runs as user 0:0, not 12345:12345"},
		"other layers":        {nonRoot, func(o *Outcome) { o.Image = &Image{Bytes: 10, Binary: 10, Layers: []string{"sha256:b"}} }, "its layers are not those of 04-x"},
		"another log":         {nonRoot, func(o *Outcome) { o.Log = "one\n\nthree\n" }, `line 3 of its log is "three", not "two"`},
		"a longer log":        {nonRoot, func(o *Outcome) { o.Log = "one\n\ntwo\nthree\n" }, `line 4 of its log is "three", not ""`},
		"a shorter log":       {nonRoot, func(o *Outcome) { o.Log = "one\n" }, `line 2 of its log is "", not ""`},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.of
			c.differ(&o)
			verdict, reasons := judge(o, "amd64", layersOf04)
			if c.says == "" {
				assert.Equal(t, AsExpected, verdict)
				assert.Empty(t, reasons)
				return
			}
			assert.Equal(t, Unexpected, verdict)
			require.Len(t, reasons, 1, "only what differs is named: %v", reasons)
			assert.Equal(t, c.says, reasons[0])
		})
	}
}

func TestTheEnvironmentOutranksTheUnexpected(t *testing.T) {
	of := func(verdicts ...string) (all []Outcome) {
		for _, v := range verdicts {
			all = append(all, Outcome{Verdict: v})
		}
		return all
	}
	assert.Equal(t, AsExpected, Worst(of(AsExpected, AsExpected)))
	assert.Equal(t, Unexpected, Worst(of(AsExpected, Unexpected, AsExpected)))
	assert.Equal(t, Environment, Worst(of(Unexpected, Environment, AsExpected)))
}
