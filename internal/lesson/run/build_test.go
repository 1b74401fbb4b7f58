package run

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
)

// A long folder, and a long base, still make names that docker takes, each its own.
func TestEveryTryHasATagOfItsOwn(t *testing.T) {
	long, seen := "01-"+strings.Repeat("a", 200), map[string]bool{}
	for _, step := range []string{"01-a", long + "1", long + "2"} {
		for _, base := range []string{"article", strings.Repeat("registry.example/", 9) + "x:1", strings.Repeat("registry.example/", 9) + "x:2"} {
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
