package engine

import (
	"context"
	"fmt"
	"regexp"
)

// driver is how `docker buildx inspect` names the kind of a builder.
var driver = regexp.MustCompile(`(?m)^Driver:\s*(\S+)`)

// Use has a builder of buildx build from now on: one in a container, on another
// machine, in a cluster. What it builds is loaded into the engine.
func (e *Engine) Use(ctx context.Context, builder string) error {
	if e.Builder != BuildKit {
		return fmt.Errorf("--builder takes docker with the buildx plugin; the builder here is %s", e.Builder)
	}
	text, err := e.Call(ctx, "buildx", "inspect", builder)
	if err != nil {
		return fmt.Errorf("no builder %s: %w\n`docker buildx ls` lists those that there are", builder, err)
	}
	kind := driver.FindStringSubmatch(text)
	if kind == nil {
		return fmt.Errorf("`docker buildx inspect %s` names no driver", builder)
	}
	e.Using, e.Apart = builder, kind[1] != "docker"
	return nil
}
