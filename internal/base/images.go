package base

import (
	"cmp"
	"context"
	"strings"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

// platform is what a stand-in is for: the engine's own machine, unless another is asked
// for by name. DOCKER_DEFAULT_PLATFORM is about images of registries.
func (b Base) platform(e *engine.Engine) image.Platform { return cmp.Or(b.Platform, e.Own()) }

// pulled is what the base is pulled for.
func (b Base) pulled(e *engine.Engine) image.Platform { return cmp.Or(b.Platform, e.Platform()) }

// standInName is the name of a base's stand-in: never the real image's.
func (b Base) standInName(e *engine.Engine) string {
	name := b.Image[strings.LastIndex(b.Image, "/")+1:]
	tag := engine.Tag(name)
	if arch := b.platform(e).Arch; arch != e.Arch {
		tag += "-" + arch
	}
	return engine.Repository + "/base:" + tag
}

// Images gives the IDs of the stand-ins in the engine, also of those of an
// older recipe, which have lost their name.
func Images(ctx context.Context, e *engine.Engine) ([]string, error) {
	candidates, err := rebuild.Labelled(ctx, e, engine.MadeBase)
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

// Clean removes the stand-ins from the engine, and what builds of them left
// behind. One that somebody else has given a name stays under that name.
func Clean(ctx context.Context, e *engine.Engine) (containers, images int, err error) {
	own, err := Images(ctx, e)
	if err != nil {
		return 0, 0, err
	}
	for _, id := range own {
		found, err := e.FindImage(ctx, id)
		if err != nil || found == nil {
			continue
		}
		if len(found.Tags) == 0 {
			found.Tags = []string{id}
		}
		for _, name := range found.Tags {
			if name == id || strings.HasPrefix(strings.TrimPrefix(name, "localhost/"), engine.Repository+"/") {
				if _, err := e.Output(ctx, "image", "rm", name); err == nil { // and its nameless parents: stages, made on its way
					images++
				}
			}
		}
	}
	containers, stages, err := rebuild.Sweep(ctx, e)
	return containers, images + stages, err
}

// madeBy says whether an image is the stand-in that a recipe makes; nil is none.
func madeBy(ctx context.Context, e *engine.Engine, found *engine.Image, digest string) (bool, error) {
	if found == nil || found.Config.Labels[rebuild.LabelRecipe] != digest {
		return false, nil
	}
	return isBase(ctx, e, found.ID)
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
