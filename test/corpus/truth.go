package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"optimizing-dockerfile/internal/engine"
)

// Tag is the tag of a case's image.
func Tag(name string) string { return engine.Repository + "/doctor-test:" + strings.ToLower(name) }

// labels mark the images as ours, so that `clean` takes away what is left of them.
var labels = map[string]string{engine.LabelMade: "doctor-test"}

// Load makes images in the engine, all at once: tags to specs.
func Load(ctx context.Context, e *engine.Engine, images map[string]Spec) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(Save(w, images, labels)) }()
	return e.Run(ctx, r, nil, nil, "load", "--quiet")
}

// Unload removes them.
func Unload(ctx context.Context, e *engine.Engine, images map[string]Spec) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	_, err := e.Output(ctx, append([]string{"rmi", "--force"}, slices.Collect(maps.Keys(images))...)...)
	return err
}

// Started is the truth about an image: a container of it is really started, and
// its program has, or has not, said Marker. words are what the engine said of it.
func Started(ctx context.Context, e *engine.Engine, tag string) (started bool, words string, err error) {
	var out, complaint strings.Builder
	args := append([]string{"run", "--rm", "--pull=never", "--network=none"}, engine.Ours()...)
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	err = e.Run(ctx, nil, &out, &complaint, append(args, tag)...)
	words = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(complaint.String()), "Run 'docker run --help' for more information"))
	var failed *engine.Failed
	if err != nil && !errors.As(err, &failed) {
		return false, words, fmt.Errorf("starting %s: %w", tag, err)
	}
	return strings.Contains(out.String(), strings.TrimSpace(Marker)), words, nil
}
