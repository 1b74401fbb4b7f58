package doctor

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The doctor and docs/causes.md tell of each cause.
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
