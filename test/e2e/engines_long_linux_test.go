package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/test/engines"
	"optimizing-dockerfile/test/tool"
)

// All that the tool does, on every engine: on one it takes as long as all of .ci/run.
func TestEveryEngineAtLength(t *testing.T) {
	here := engines.Long(t)
	catalog, err := base.Load("../../bases")
	require.NoError(t, err)
	var bases []string
	for _, b := range catalog.All() {
		ready, err := base.Portable(t.Context(), here, b, tell.Plain{Writer: t.Output()})
		require.NoError(t, err, b.ID)
		bases = append(bases, ready.Image)
	}
	for _, c := range slices.Concat(slices.Collect(maps.Values(engines.Machines(t)))...) {
		t.Run(c.Name, func(t *testing.T) {
			for _, image := range bases {
				c.Load(t, image)
			}
			t.Run("run all --base all", func(t *testing.T) { doOnEveryBase(t, on(t, c, "run", "all", "--base", "all", "--json")) })
			t.Run("run beyond", func(t *testing.T) { doWhatLessonsSay(t, on(t, c, "run", "beyond", "--json")) })
			t.Run("run today", func(t *testing.T) { breaksToday(t, on(t, c, "run", "today", "--json")) })
			t.Run("learn", func(t *testing.T) { learnsStep2(t, c) })
			t.Run("report", func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "report.html")
				out, err := on(t, c, "report", file).CombinedOutput()
				require.NoError(t, err, "%s", out)
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Contains(t, string(text), "<title>Six Dockerfiles")
			})
			t.Run("check of many Dockerfiles", func(t *testing.T) {
				for _, setting := range c.Env { // this process is in no engine's network: of an own one it is another machine
					name, value, _ := strings.Cut(setting, "=")
					t.Setenv(name, value)
				}
				e, err := engine.Find(t.Context())
				require.NoError(t, err)
				require.Equal(t, c.Builder, e.Builder)
				checkDockerfiles(t, e)
			})
			if !c.Shared {
				t.Run("clean", func(t *testing.T) { cleansUp(t, c) })
			}
		})
	}
}

// learnsStep2 goes through one step of `learn`.
func learnsStep2(t *testing.T, c engines.Client) {
	s := inTerminal(t, on(t, c, "learn", "--step", "2"), filepath.Join(t.TempDir(), "learn.json"))
	for _, turn := range [][2]string{
		{"Will it build?", "y\n"}, {"\nWill it start, and answer?", "n\n"},
		{"\nAs whom will the program run?", "r\n"}, {"How large will the image be?", "a\n"},
		{"Which file does not exist?", "\n"},
	} {
		s.sees(turn[0])
		s.sees("> ")
		s.types(turn[1])
	}
	seen := s.sees("go on, a = this step again")
	assert.Contains(t, seen, "FAILS, as in the article: the shell form asks for /bin/sh; there is none")
	assert.Contains(t, seen, "✓ How large will the image be? You said: about 10 MB.\n  It is 10.1MB")
	s.types("q\n")
	assert.Equal(t, tool.Expected, s.ends())
}
