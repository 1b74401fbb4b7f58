package rebuild

import (
	"context"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/engine"
)

// Labels of a stand-in, besides engine.LabelMade.
const (
	LabelRecipe     = "optimizing-dockerfile.recipe"       // the recipe's digest
	LabelStandInFor = "optimizing-dockerfile.stand-in-for" // the image that it takes the place of
)

// On what the build of a stand-in makes on its way.
const (
	madeStage    = "base-stage"                    // the value of engine.LabelMade
	labelRebuild = "optimizing-dockerfile.rebuild" // the cache that it was built from
)

// Leftovers gives what builds of a stand-in left behind that were cut off, by
// kill -9 or by a power cut; or what one that is running now needs.
func Leftovers(ctx context.Context, e *engine.Engine, filters ...string) (containers, images []string, err error) {
	args := append([]string{"ps", "-a", "-q", "--no-trunc", "--filter", "label=" + engine.LabelMade + "=" + madeStage}, filters...)
	out, err := e.Output(ctx, args...)
	if err != nil {
		return nil, nil, err
	}
	images, err = Labelled(ctx, e, madeStage, append(filters, "--filter", "dangling=true")...)
	return strings.Fields(out), images, err
}

// Labelled gives the IDs of the images whose engine.LabelMade has the value made, each once.
func Labelled(ctx context.Context, e *engine.Engine, made string, filters ...string) ([]string, error) {
	args := append([]string{"image", "ls", "-q", "--no-trunc", "--filter", "label=" + engine.LabelMade + "=" + made}, filters...)
	out, err := e.Output(ctx, args...)
	return slices.Compact(slices.Sorted(slices.Values(strings.Fields(out)))), err // an image of two names is listed twice
}
