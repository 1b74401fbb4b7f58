package e2e

import (
	"testing"

	"optimizing-dockerfile/test/guest"

	"github.com/stretchr/testify/assert"
)

// The program on a daemon of its own: it is a good guest there.
func TestAGoodGuest(t *testing.T) {
	g := guest.New(t)
	onlyOursIsTouched(t, g)
}

// What is the user's stays as it is, and does not disturb a run; clean takes away
// exactly what the tool made.
func onlyOursIsTouched(t *testing.T, g guest.Guest) {
	g.Docker(t, "tag", guest.StandIn, "base-of-mine") // an image of the user's, from our base, by the article's name
	g.Docker(t, "build", "--quiet", "--build-arg", "GO_IMAGE=base-of-mine", "--tag", "echo", "../../steps/01-single-stage")
	g.Docker(t, "run", "--detach", "--name", "echo", "--publish", "8080:8080", "echo")
	mine := g.Images(t)
	container := g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo")

	out := g.Run(t, "run", "2", "4")
	assert.Contains(t, out, "All as in the article")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Equal(t, "echo", g.Docker(t, "ps", "--all", "--format", "{{.Names}}"), "the user's container alone")
	assert.Subset(t, g.Images(t), mine)

	g.Docker(t, "tag", "optimizing-dockerfile:04-cgo-disabled", "echo:small") // and one of ours that the user named
	out = g.Run(t, "clean")
	assert.Contains(t, out, "build cache stays")
	names := g.Docker(t, "images", "--format", "{{.Repository}}:{{.Tag}}")
	assert.Contains(t, names, "echo:small")
	assert.NotContains(t, names, "optimizing-dockerfile")
	assert.Equal(t, container, g.Docker(t, "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.Image}}", "echo"))
	assert.Subset(t, g.Images(t), mine)

	g.Docker(t, "rmi", "--no-prune", "echo:small") // what was ours, and under it, goes as soon as it may
	g.Run(t, "clean")
	assert.ElementsMatch(t, mine, g.Images(t), "all that is left is the user's")
	assert.NoDirExists(t, g.Cache)
	g.Docker(t, "rm", "--force", "echo")
}
