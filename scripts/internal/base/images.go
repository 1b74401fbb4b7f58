package base

import (
	"context"
	"errors"
	"strings"

	"optimizing-dockerfile/scripts/internal/engine"
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

// standInName is the name of a base's stand-in: never the real image's.
func standInName(b Base) string {
	name := b.Image[strings.LastIndex(b.Image, "/")+1:]
	return engine.Repository + "/base:" + strings.ReplaceAll(name, ":", "-")
}

// inspect gives an image by its name or ID; nil if it is not in the engine.
func inspect(ctx context.Context, e *engine.Engine, name string) (*engine.Image, error) {
	found, err := e.InspectImage(ctx, name)
	var absent *engine.NoSuchImage
	switch {
	case errors.As(err, &absent):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &found, nil
}

// Images gives the IDs of the stand-ins in the engine, also of those of an
// older recipe, which have lost their name.
func Images(ctx context.Context, e *engine.Engine) ([]string, error) {
	candidates, err := labelled(ctx, e, engine.MadeBase)
	if err != nil {
		return nil, err
	}
	var own []string
	for _, id := range candidates {
		is, err := isBase(ctx, e, id)
		if err != nil {
			return nil, err
		}
		if is {
			own = append(own, id)
		}
	}
	return own, nil
}

// Leftovers gives what builds of a stand-in left behind that were cut off, by
// kill -9 or by a power cut; or what one that is running now needs.
func Leftovers(ctx context.Context, e *engine.Engine) (containers, images []string, err error) {
	return stages(ctx, e)
}

// Clean removes the stand-ins from the engine, and what builds of them left
// behind. One that somebody else has given a name stays under that name.
func Clean(ctx context.Context, e *engine.Engine) (containers, images int, err error) {
	own, err := Images(ctx, e)
	if err != nil {
		return 0, 0, err
	}
	for _, id := range own {
		found, err := inspect(ctx, e, id)
		if err != nil || found == nil {
			continue
		}
		names := found.Tags
		if len(names) == 0 {
			names = []string{id}
		}
		for _, name := range names {
			if name != id && !strings.HasPrefix(strings.TrimPrefix(name, "localhost/"), engine.Repository+"/base:") {
				continue
			}
			// The engine removes nameless parents with it: stages, made on its way.
			if _, err := e.Output(ctx, "image", "rm", name); err == nil {
				images++
			}
		}
	}
	left, stages, err := Leftovers(ctx, e)
	for _, id := range left {
		if _, err := e.Output(ctx, "rm", "-f", "-v", id); err == nil {
			containers++
		}
	}
	for _, id := range stages {
		if _, err := e.Output(ctx, "image", "rm", id); err == nil {
			images++
		}
	}
	return containers, images, err
}

func stages(ctx context.Context, e *engine.Engine, filters ...string) (containers, images []string, err error) {
	args := append([]string{"ps", "-a", "-q", "--no-trunc", "--filter", "label=" + engine.LabelMade + "=" + madeStage}, filters...)
	out, err := e.Output(ctx, args...)
	if err != nil {
		return nil, nil, err
	}
	images, err = labelled(ctx, e, madeStage, append(filters, "--filter", "dangling=true")...)
	return strings.Fields(out), images, err
}

func labelled(ctx context.Context, e *engine.Engine, made string, filters ...string) ([]string, error) {
	args := append([]string{"image", "ls", "-q", "--no-trunc", "--filter", "label=" + engine.LabelMade + "=" + made}, filters...)
	out, err := e.Output(ctx, args...)
	if err != nil {
		return nil, err
	}
	var ids []string
	seen := map[string]bool{}
	for _, id := range strings.Fields(out) { // an image of two names is listed twice
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// isBase tells a stand-in from the images that were built on it: they inherit
// its labels, but only its own history ends with the instruction that sets them.
func isBase(ctx context.Context, e *engine.Engine, id string) (bool, error) {
	out, err := e.Output(ctx, "history", "--no-trunc", "--format", "{{.CreatedBy}}", id)
	if err != nil {
		return false, err
	}
	last, _, _ := strings.Cut(out, "\n")
	return strings.Contains(last, "LABEL "+engine.LabelMade+"="+engine.MadeBase+" "), nil
}
