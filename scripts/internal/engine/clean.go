package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
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
// by kill -9. Those of a run still under way, or of another host, stay.
func (e *Engine) Sweep(ctx context.Context) error {
	return e.removeContainers(ctx, func(owner string) bool {
		pid, host, _ := strings.Cut(owner, "@")
		here, _ := os.Hostname()
		id, err := strconv.Atoi(pid)
		return err == nil && host == here && !alive(id)
	})
}

// RemoveOwn removes what containers this process may have left.
func (e *Engine) RemoveOwn(ctx context.Context) error {
	return e.removeContainers(ctx, func(of string) bool { return of == owner() })
}

func (e *Engine) removeContainers(ctx context.Context, which func(owner string) bool) error {
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
// names, and those in the ledger. An image that somebody else has named stays;
// only our names for it go.
func (e *Engine) Clean(ctx context.Context) (Cleaned, error) {
	var done Cleaned
	owners, err := e.ourContainers(ctx)
	if err != nil {
		return done, err
	}
	for id := range owners {
		if err := e.Remove(ctx, id); err != nil {
			return done, err
		}
		done.Containers++
	}
	for _, name := range append(e.ourTags(ctx), e.Ledger.images(e.ledgerID())...) {
		image, err := e.InspectImage(ctx, name)
		var gone *NoSuchImage
		if errors.As(err, &gone) {
			continue
		}
		if err != nil {
			return done, err
		}
		if !isOurTag(name) && len(image.Tags) > 0 {
			continue // somebody gave it a name since
		}
		// Without --no-prune the engine would also remove the parents, which may be somebody else's.
		if _, err := e.Call(ctx, "rmi", "--no-prune", name); err != nil {
			if ctx.Err() != nil {
				return done, ctx.Err()
			}
			done.Kept = append(done.Kept, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		done.Images++
	}
	return done, ctx.Err()
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

// ledgerID tells this engine from others in the ledger.
func (e *Engine) ledgerID() string {
	if e.ID != "" {
		return e.ID
	}
	return e.Name
}
