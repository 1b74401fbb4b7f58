package doctor

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/causes.md")

// The page and the doctor must never tell two different stories.
func TestCausesPageIsUpToDate(t *testing.T) {
	const page = "../../../docs/causes.md"
	if *update {
		require.NoError(t, os.MkdirAll("../../../docs", 0o755))
		require.NoError(t, os.WriteFile(page, []byte(CausesMarkdown()), 0o644))
	}
	have, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, CausesMarkdown(), string(have), "stale: go test ./scripts/internal/doctor -run Causes -update")
}

func TestEveryCauseHasItsRow(t *testing.T) {
	assert.Len(t, table, len(Causes))
	for _, c := range Causes {
		e := entryOf(c)
		if assert.NotNil(t, e, c) {
			for name, text := range map[string]string{
				"title": e.title, "meaning": e.meaning, "proof": e.proof, "summary": fill(e.summary, e.example), "fix": fill(e.fix, e.example),
				"dockerfile": fill(e.dockerfile, e.example), "runc": e.looks.runc, "crun": e.looks.crun, "podman": e.looks.podman, "kubernetes": e.looks.kubernetes,
			} {
				assert.NotEmpty(t, text, "%s: %s", c, name)
			}
		}
	}
}
