package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"optimizing-dockerfile/internal/screen"
)

// ourContainers lists the containers that this tool made, with the owner of each.
func (e *Engine) ourContainers(ctx context.Context) (map[string]string, error) {
	ids, err := e.Call(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label="+LabelMade+"="+MadeTrial)
	if err != nil || ids == "" {
		return nil, err
	}
	owners := map[string]string{}
	for _, id := range strings.Fields(ids) {
		text, err := e.Call(ctx, "container", "inspect", id)
		if err != nil {
			continue // it went away in between
		}
		var found []struct {
			Config struct{ Labels map[string]string }
		}
		if json.Unmarshal([]byte(text), &found) == nil && len(found) == 1 {
			owners[id] = found[0].Config.Labels[LabelOwner]
		}
	}
	return owners, nil
}

// Sweep removes the containers of processes that ended without doing it, such as
// by kill -9. Those of a run still under way, or of another place, stay.
func (e *Engine) Sweep(ctx context.Context) error { return e.removeContainers(ctx, orphaned) }

func orphaned(owner string) bool {
	pid, at, _ := strings.Cut(owner, "@")
	id, err := strconv.Atoi(pid)
	return err == nil && at == place() && !alive(id)
}

// busy says whether something is another process's, which is alive, or of which nothing is known here.
func busy(of string) bool { return of != "" && of != owner() && !orphaned(of) }

// RemoveOwn removes what containers this process may have left.
func (e *Engine) RemoveOwn(ctx context.Context) error {
	return e.removeContainers(ctx, func(of string) bool { return of == owner() })
}

func (e *Engine) removeContainers(ctx context.Context, which func(owner string) bool) error {
	for _, c := range e.Ledger.entries(e.Key(), containerEntry) {
		if which(c.owner) && e.removeBuildContainer(ctx, c) == nil { // else the next run tries again
			e.Ledger.note(entry{engine: c.engine, kind: goneEntry, id: c.id, owner: owner()})
		}
	}
	owners, err := e.ourContainers(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for id, owner := range owners {
		if which(owner) {
			failures = append(failures, e.Remove(ctx, id))
		}
	}
	return errors.Join(failures...)
}

// Cleaned tells what Clean removed, and what it had to leave and why.
type Cleaned struct {
	Containers, Images int
	Kept               []string
}

// Clean removes every container and image that this tool made: images under our
// names, and those in the ledger. What a run under way needs stays. An image that somebody else has named stays;
// only our names for it go. It says now and then how far it is: an image takes a
// tenth of a second, and there may be hundreds.
func (e *Engine) Clean(ctx context.Context, say screen.Reporter) (Cleaned, error) {
	var done Cleaned
	if err := e.removeContainers(ctx, orphaned); err != nil {
		return done, err
	}
	owners, err := e.ourContainers(ctx)
	if err != nil {
		return done, err
	}
	for id, owner := range owners {
		if busy(owner) {
			done.Kept = append(done.Kept, fmt.Sprintf("container %.12s of a run under way, process %s (or it ended where nobody here can see it: %s rm --force %.12s)", id, owner, e.Name, id))
			continue
		}
		if err := e.Remove(ctx, id); err != nil {
			return done, err
		}
		done.Containers++
	}
	tags, listed := e.ourTags(ctx), e.Ledger.entries(e.Key(), imageEntry)
	all := len(tags) + len(listed)
	before := func(i int) {
		if i%50 == 0 && all > 50 {
			screen.Sayf(say, "looking through the images that this tool made: %d of %d", i, all)
		}
	}
	for i, tag := range tags {
		before(i)
		if err := e.untag(ctx, tag); err != nil {
			done.Kept = append(done.Kept, fmt.Sprintf("%s: %v", tag, err))
			continue
		}
		done.Images++
	}
	stays := map[string]bool{}
	for i, made := range listed {
		before(len(tags) + i)
		if busy(made.owner) {
			stays[made.id] = true
			continue
		}
		image, err := e.InspectImage(ctx, made.id)
		var gone *NoSuchImage
		if errors.As(err, &gone) || err == nil && !made.sinceThen(image.Created) && !image.ours() {
			continue // gone; or it was never ours
		}
		if err != nil || len(image.Tags) > 0 || e.untag(ctx, made.id) != nil {
			stays[made.id] = true // it could not be looked at; or somebody gave a name to it, or to an image that rests on it
			continue
		}
		done.Images++
	}
	if ctx.Err() != nil {
		return done, ctx.Err()
	}
	return done, e.Ledger.forget(e.Key(), func(made entry) bool { return stays[made.id] || busy(made.owner) })
}

// untag removes a name, or an image that has none. Without --no-prune the engine
// would also remove the parents, which may be somebody else's.
func (e *Engine) untag(ctx context.Context, name string) error {
	_, err := e.Call(ctx, "rmi", "--no-prune", name)
	return err
}

// ourTags lists the names that this tool gave to images, and a reader who pasted its commands.
func (e *Engine) ourTags(ctx context.Context) []string {
	var ours []string
	for _, pattern := range []string{Repository, Repository + "/*"} {
		text, err := e.Call(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference="+pattern)
		if err != nil {
			continue
		}
		for _, tag := range strings.Fields(text) {
			if isOurTag(tag) {
				ours = append(ours, tag)
			}
		}
	}
	return ours
}

func isOurTag(name string) bool {
	name = strings.TrimPrefix(name, "localhost/") // podman's way to say: from no registry
	return strings.HasPrefix(name, Repository+":") || strings.HasPrefix(name, Repository+"/")
}
