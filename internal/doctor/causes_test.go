package doctor

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The doctor and docs/causes tell of each cause.
func TestEveryCauseHasItsRow(t *testing.T) {
	assert.Len(t, table, len(Causes))
	for _, c := range slices.Concat(Causes, Refusals) {
		e := entryOf(c)
		if assert.NotNil(t, e, c) {
			for name, text := range map[string]string{
				"title": e.title, "meaning": e.meaning, "proof": e.proof, "summary": fill(e.summary, e.example), "fix": fill(e.fix, e.example),
				"dockerfile": fill(e.dockerfile, e.example),
			} {
				assert.NotEmpty(t, text, "%s: %s", c, name)
			}
		}
	}
}
