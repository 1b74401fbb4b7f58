package corpus

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/engines"
)

var machine = func() doctor.Machine {
	m := doctor.MachineOf("linux", runtime.GOARCH, true, false)
	m.Alone, m.Only64 = true, nil
	return m
}()

func all(t *testing.T) []Case {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the corpus has programs for Linux on amd64 and arm64 only")
	}
	cases, skipped := Cases()
	for _, s := range skipped {
		t.Log("left out:", s)
	}
	return cases
}

// diagnose examines an image from a tarball: no engine is needed.
func diagnose(t *testing.T, s Spec) *doctor.Diagnosis { return diagnoseOn(t, s, machine) }

func diagnoseOn(t *testing.T, s Spec, on doctor.Machine) *doctor.Diagnosis {
	file := filepath.Join(t.TempDir(), "image.tar")
	out, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, Save(out, map[string]Spec{"test:latest": s}, nil))
	require.NoError(t, out.Close())
	img, err := image.FromFile(context.Background(), file, "", image.Platform{OS: "linux", Arch: runtime.GOARCH})
	require.NoError(t, err)
	defer img.Close()
	d, err := doctor.Examine(context.Background(), img, on, doctor.Options{})
	require.NoError(t, err)
	return d
}

// Every case gets its verdict and its cause, and every dead one the proof and a fix.
func TestVerdicts(t *testing.T) {
	for _, c := range all(t) {
		t.Run(c.Name, func(t *testing.T) {
			d := diagnose(t, c.Image)
			require.NotNil(t, d.Starts, d.Summary)
			assert.Equal(t, c.Cause == "", *d.Starts, d.Summary)
			assert.Equal(t, c.Cause, d.Cause, d.Summary)
			lax := machine
			lax.Overrides, lax.Only64 = true, func() bool { return true }
			on := diagnoseOn(t, c.Image, lax)
			assert.Equal(t, c.On(lax).Cause, on.Cause, on.Summary)
			warned := slices.ContainsFunc(on.Advice, func(a doctor.Advice) bool { return a.ID == "starts-here-only" })
			assert.Equal(t, c.ByMode, warned, on.Advice)
			if c.Cause != "" {
				assert.NotEmpty(t, d.Evidence)
				assert.NotEmpty(t, d.Fix.Text)
				assert.NotEmpty(t, d.Fix.Dockerfile)
			}
		})
	}
}

// Every fix, applied as the Dockerfile that the doctor writes, makes its image start.
func TestFixes(t *testing.T) {
	for _, c := range all(t) {
		if c.Cause == "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			d := diagnose(t, c.Image)
			for range 2 { // an image may have two faults
				fixed, err := Fixed(c, d)
				require.NoError(t, err)
				before := d
				d = diagnose(t, fixed)
				require.NotNil(t, d.Starts, d.Summary)
				require.NotEqual(t, before.Cause, d.Cause, "%s\nfix: %s\nstill: %s", before.Summary, before.Fix.Dockerfile, d.Summary)
				if *d.Starts {
					return
				}
				c.Image = fixed
			}
			assert.Fail(t, "two fixes were not enough", d.Summary)
		})
	}
}

func TestCorpusHasEveryCause(t *testing.T) {
	have := map[doctor.Cause]bool{}
	cases, skipped := Cases()
	for _, c := range cases {
		have[c.Cause] = true
	}
	if len(skipped) > 0 {
		engines.Without(t, fmt.Sprint("the corpus lacks a compiler: ", skipped))
	}
	for _, r := range doctor.Causes() {
		assert.True(t, have[r.Cause], r.Cause)
	}
}

// The first case of each cause, and its fix, against real starts. All cases: `dev evaluate`.
func TestRealStarts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts containers")
	}
	ctx := context.Background()
	e := engines.Engine(t)
	seen := map[doctor.Cause]bool{}
	var first []Case
	for _, c := range all(t) {
		if !seen[c.Cause] {
			seen[c.Cause], first = true, append(first, c)
		}
	}
	results, err := Evaluate(ctx, e, run.MachineOf(e), first)
	require.NoError(t, err)
	for _, r := range results {
		verdict, cause := r.Right()
		assert.Equal(t, r.Cause == "", r.Started, "%s: really started: %v: %s", r.Name, r.Started, r.Words)
		assert.Empty(t, r.Fixed, "%s, its fix followed: %s", r.Name, r.Diagnosis.Fix.Dockerfile)
		assert.True(t, verdict && cause, "%s: %s %s", r.Name, r.Diagnosis.Cause, r.Diagnosis.Summary)
	}
}
