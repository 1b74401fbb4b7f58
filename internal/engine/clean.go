package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"optimizing-dockerfile/internal/screen"
)

// Sweep removes the containers of processes that ended without doing it, such as
// by kill -9. Those of a run still under way, or of another place, stay.
func (e *Engine) Sweep(ctx context.Context) error {
	_, err := e.removeContainers(ctx, orphaned)
	return err
}

func orphaned(owner string) bool {
	pid, at, _ := strings.Cut(owner, "@")
	id, err := strconv.Atoi(pid)
	return err == nil && at == place() && !alive(id)
}

// busy says whether something is another process's, which is alive, or of which nothing is known here.
func busy(of string) bool { return of != "" && of != owner() && !orphaned(of) }

// RemoveOwn removes what containers this process may have left.
func (e *Engine) RemoveOwn(ctx context.Context) error {
	_, err := e.removeContainers(ctx, func(of string) bool { return of == owner() })
	return err
}

// removeContainers removes those that this tool made for some owners, and tells of the others.
func (e *Engine) removeContainers(ctx context.Context, which func(owner string) bool) (done Cleaned, err error) {
	const left = "container %.12[1]s of a run under way, process %[2]s " +
		"(or it ended where nobody here can see it: %[3]s rm --force %.12[1]s)"
	e.removeLeft(ctx, which)
	ids, err := e.Output(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label="+LabelMade+"="+MadeTrial)
	if err != nil {
		return done, err
	}
	for _, id := range strings.Fields(ids) {
		owner, gone := e.Output(ctx, "container", "inspect", "--format", `{{index .Config.Labels "`+LabelOwner+`"}}`, id)
		switch {
		case gone != nil: // in between
		case !which(owner):
			done.Kept = append(done.Kept, fmt.Sprintf(left, id, owner, e.Name))
		default:
			failed := e.Remove(ctx, id)
			if err = errors.Join(err, failed); failed == nil {
				done.Containers++
			}
		}
	}
	return done, err
}

// Cleaned tells what Clean removed, and what it had to leave and why.
type Cleaned struct {
	Containers, Images int
	Kept               []string
}

// Clean removes every container and image that this tool made: images under our
// names, and those in the ledger. What a run under way needs stays. An image that somebody else has named stays;
// only our names for it go.
func (e *Engine) Clean(ctx context.Context, say screen.Reporter) (Cleaned, error) {
	done, err := e.removeContainers(ctx, func(of string) bool { return !busy(of) })
	if err != nil {
		return done, err
	}
	// An image takes a tenth of a second, and there may be hundreds.
	defer screen.Meanwhile(say, 5*time.Second, func(passed string) string {
		return "still looking through the images that this tool made, " + passed
	})()
	untag := func(names []string) (failed []string) {
		for _, name := range names {
			if err := e.untag(ctx, name); err != nil {
				failed = append(failed, fmt.Sprintf("%s: %v", name, err))
			} else {
				done.Images++
			}
		}
		return failed
	}
	done.Kept = append(done.Kept, untag(e.tagged(ctx, stepTag))...)
	stays := map[string]bool{}
	for _, made := range e.Ledger.entries(e.Key()) {
		image, err := e.FindImage(ctx, made.id)
		switch {
		case err == nil && (image == nil || !made.sinceThen(image.Created) && image.Config.Labels[LabelMade] == ""):
			continue // gone; or it was never ours. What is built from ours has the label too, so that alone does not count
		case busy(made.owner), err != nil, slices.ContainsFunc(image.Tags, func(tag string) bool { return !isTag(tag, stepTag, baseTag) }):
			stays[made.id] = true // it could not be looked at; or somebody gave a name to it
			continue
		}
		names := image.Tags
		if len(names) == 0 {
			names = []string{made.id}
		}
		stays[made.id] = len(untag(names)) > 0 // somebody gave a name to an image that rests on it
	}
	// What was loaded goes after what rests on it, or it would lose its name only.
	done.Kept = append(done.Kept, untag(e.tagged(ctx, baseTag))...)
	if ctx.Err() != nil {
		return done, ctx.Err()
	}
	return done, errors.Join(
		e.Ledger.forget(e.containers(), func(left entry) bool { return busy(left.owner) }),
		e.Ledger.forget(e.Key(), func(made entry) bool { return stays[made.id] || busy(made.owner) }))
}

// How names begin that this tool gives, or a reader who pasted its commands.
const (
	stepTag = Repository + ":"
	baseTag = Repository + "/"
)

// untag removes a name, or an image that has none. Without --no-prune the engine would
// also remove the parents, which may be somebody else's; a base's are what was made on its way.
func (e *Engine) untag(ctx context.Context, name string) error {
	words := []string{"rmi", "--no-prune", name}
	if isTag(name, baseTag) {
		words = []string{"rmi", name}
	}
	_, err := e.Output(ctx, words...)
	return err
}

// tagged lists the names in the engine that begin so.
func (e *Engine) tagged(ctx context.Context, begin string) []string {
	text, _ := e.Output(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}")
	return slices.DeleteFunc(strings.Fields(text), func(tag string) bool { return !isTag(tag, begin) })
}

func isTag(name string, begins ...string) bool {
	name = strings.TrimPrefix(name, "localhost/") // podman's way to say: from no registry
	return slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(name, begin) })
}
