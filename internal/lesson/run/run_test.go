package run

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
)

// A long folder, and a long base, still make names that docker takes, each its own.
func TestEveryTryHasATagOfItsOwn(t *testing.T) {
	long, seen := "01-"+strings.Repeat("a", 200), map[string]bool{}
	for _, step := range []string{"01-a", long + "1", long + "2"} {
		long := strings.Repeat("registry.example/", 9)
		for _, base := range []string{"article", long + "x:1", long + "x:2"} {
			for _, dir := range []string{"steps/" + step, "/elsewhere/" + step} {
				for _, dockerfile := range []string{"Dockerfile", "Dockerfile.first-try"} {
					_, tag, _ := strings.Cut((&Trial{Base: base}).Tag(table.Step{Name: step, Dir: dir}, dockerfile), ":")
					assert.Equal(t, engine.Tag(tag), tag, "docker takes it")
					seen[tag] = true
				}
			}
		}
	}
	assert.Len(t, seen, 3*3*2*2)
}

// Why a build failed is told from what Go itself says; the words are those that were seen.
func TestTheCauseOfAFailedBuild(t *testing.T) {
	for output, cause := range map[string]doctor.Cause{
		"go: go.mod requires go >= 1.99 (running go 1.27.4; GOTOOLCHAIN=local)":                       ToolchainTooOld,
		"go: errors parsing go.mod:\n":                                                                BuildFailed,
		"# echo\n./main.go:9:6: syntax error: unexpected [\nnote: module requires Go 1.18":            ToolchainTooOld,
		"# echo\n./main.go:9:6: undefined: nonsense":                                                  CompileError,
		"error obtaining VCS status: exit status 128\n\tUse -buildvcs=false to disable VCS stamping.": VCSStatus,
		"go: example.org/m@v1.0.0 requires go >= 1.26 (running go 1.25.0; GOTOOLCHAIN=local)":         ToolchainTooOld,
		"the program printed: go.mod requires go >= 1.99 (running go 1.27.4)":                         BuildFailed,
	} {
		assert.Equal(t, cause, causeOf(&engine.BuildError{Instruction: "RUN go build -o echo .", ExitCode: 1, Output: output}), output)
	}
}

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
		"fails as expected": {loader, func(o *Outcome) {}, ""},
		"runs as expected":  {nonRoot, func(o *Outcome) {}, ""},
		"an unexpected start": {loader, func(o *Outcome) { o.Outcome, o.Phase, o.Cause, o.Detail = table.Runs, table.Serve, "", "" },
			"the outcome is the echo, not a failure in phase exec with missing-loader (/lib/ld-musl-x86_64.so.1)"},
		"another phase": {loader, func(o *Outcome) { o.Phase = table.Start }, "the phase is start, not exec"},
		"another cause": {loader, func(o *Outcome) { o.Cause, o.Detail = "missing-entrypoint", "/ekko" },
			"the cause is missing-entrypoint (/ekko), not missing-loader (/lib/ld-musl-x86_64.so.1)"},
		"another loader": {loader, func(o *Outcome) { o.Missing = "/lib64/ld-linux-x86-64.so.2" },
			"what is missing is /lib64/ld-linux-x86-64.so.2, not /lib/ld-musl-x86_64.so.1"},
		"a fat image": {loader, func(o *Outcome) { o.Image = &Image{Bytes: 15_000_000, Binary: 10_000_000} },
			"what the image holds beside /echo is 5MB, not at most 1kB"},
		"no binary": {loader, func(o *Outcome) { o.Image = &Image{Bytes: 10_000_000} }, "/echo is missing from the image, not in it"},
		"a failure": {nonRoot, func(o *Outcome) { o.fails(table.Serve, NoAnswer, "nothing") },
			"the outcome is a failure in phase serve with no-answer (nothing), not the echo"},
		"another user": {nonRoot, func(o *Outcome) { o.User = "0:0" }, "the user that it runs as is 0:0, not 12345:12345"},
		"other layers": {nonRoot, func(o *Outcome) { o.Image = &Image{Bytes: 10, Binary: 10, Layers: []string{"sha256:b"}} },
			"its list of layers is its own, not that of 04-x"},
		"another log":   {nonRoot, func(o *Outcome) { o.Log = "one\n\nthree\n" }, `line 3 of its log is "three", not "two"`},
		"a longer log":  {nonRoot, func(o *Outcome) { o.Log = "one\n\ntwo\nthree\n" }, `line 4 of its log is "three", not "the end"`},
		"a shorter log": {nonRoot, func(o *Outcome) { o.Log = "one\n" }, `line 2 of its log is "the end", not ""`},
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
			assert.Equal(t, c.says, reasons[0].String())
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

// Each figure is held against its expectation, and one that was not taken is no success.
func TestEveryFigureIsHeldAgainstItsExpectation(t *testing.T) {
	yes := true
	for name, c := range map[string]struct {
		want table.Expectation
		good Measured
		bad  Measured
	}{
		"keeps":        {table.Expectation{Keeps: "RUN a"}, Measured{Kept: []string{"RUN b", "RUN a"}}, Measured{Kept: []string{"RUN b"}}},
		"saves":        {table.Expectation{Saves: 2_000_000}, Measured{BinaryBefore: 12_000_000}, Measured{BinaryBefore: 11_999_999}},
		"numeric user": {table.Expectation{NumericUser: &yes}, Measured{NumericUser: &yes}, Measured{NumericUser: new(bool)}},
		"health":       {table.Expectation{Health: "unhealthy"}, Measured{Health: "unhealthy"}, Measured{Health: "healthy"}},
		"machines": {table.Expectation{Machines: []string{"amd64", "arm64"}}, Measured{Machines: []string{"amd64", "arm64"}},
			Measured{Machines: []string{"amd64"}}},
		"repeats":      {table.Expectation{Repeats: table.Layers}, Measured{Repeats: table.Layers}, Measured{Repeats: table.Nothing}},
		"repeats more": {table.Expectation{Repeats: table.Layers}, Measured{Repeats: table.Digest}, Measured{Repeats: table.Nothing}},
		"repeats not":  {table.Expectation{Repeats: table.Nothing}, Measured{Repeats: table.Nothing}, Measured{Repeats: table.Layers}},
	} {
		c.want.Outcome = table.Runs
		o := Outcome{
			Expected: c.want, Outcome: table.Runs, Phase: table.Serve,
			Image: &Image{Bytes: 10_000_000, Binary: 10_000_000},
		}
		o.Measured = c.good
		verdict, reasons := judge(o, "amd64", nil)
		require.Equal(t, AsExpected, verdict, "%s: %v", name, reasons)
		for what, m := range map[string]Measured{"another figure": c.bad, "no figure": {}} {
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

// A try that this builder cannot do is not planned, and that is told of the steps asked for.
func TestWhatIsLeftOutIsTold(t *testing.T) {
	try := []table.Try{{Dockerfile: "Dockerfile", Needs: engine.BuildKit}}
	asked, other := table.Step{Name: "11-a", Tries: try}, table.Step{Name: "12-b", Tries: try}
	var told sentences
	trial := &Trial{
		Engine: &engine.Engine{Builder: engine.Legacy}, Steps: []table.Step{asked, other},
		Report: &told,
	}
	assert.Empty(t, trial.plan([]table.Step{asked}))
	assert.Equal(t, sentences{"left out: 11-a (Dockerfile): it needs buildkit, and the builder here is legacy"}, told)
	trial.Engine.Builder = engine.BuildKit
	assert.Len(t, trial.plan([]table.Step{asked}), 1)
}

// try is one of a Dockerfile in a folder.
func try(folder, text string) *job {
	stage, compiled := firstStage(dockerfile.Parse(text))
	return &job{folder: folder, stage: stage, compiled: compiled}
}

// What two tries begin with in common ends where they copy other files, where they differ, and with the first stage.
func TestWhatTwoTriesBeginWithInCommon(t *testing.T) {
	const one = "ARG A=1\nFROM golang:$A\nRUN adduser echo\nCOPY . .\n"
	for text, shared := range map[string]int{
		one + "RUN go build\nFROM scratch\n":                              5,
		one + "ENV CGO_ENABLED=0\nRUN go build\nFROM scratch\n":           4,
		"ARG A=1\nFROM golang:$A AS b\n\n# why\nrun adduser\\\n echo\n":   3,
		"ARG A=1\nFROM golang:$A\nRUN adduser echo\nCOPY --chown=1 . .\n": 3,
		"FROM golang:$A\n": 0,
	} {
		assert.Equal(t, shared, try("x", one+"RUN go build\nFROM alpine\n").shares(try("x", text)), text)
		assert.Equal(t, min(shared, 3), try("x", one+"RUN go build\nFROM alpine\n").shares(try("y", text)), text)
	}
}

// Tries of one compile are a group, in their order, wherever they stand.
func TestTriesThatShareACompileAreAGroup(t *testing.T) {
	a, b := try("x", "FROM a\nCOPY . .\nRUN b\nENTRYPOINT c\n"), try("x", "FROM a\nCOPY . .\nENV D=1\nRUN b\n")
	c, d := try("x", "FROM a AS build\nCOPY . .\nRUN b\nFROM scratch\n"), try("y", "FROM a\nCOPY . .\nRUN b\nENTRYPOINT c\n")
	e, f := try("x", "FROM a\nCOPY . .\n"), try("y", "FROM scratch\nCOPY . .\n")
	assert.Equal(t, [][]*job{{a, c, e}, {b}, {d}, {f}}, groups([]*job{a, b, c, d, e, f}))
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

// sentences keeps what a reporter is told in words.
type sentences []string

func (s *sentences) Say(sentence string) { *s = append(*s, sentence) }
func (s *sentences) Step(Event)          {}
