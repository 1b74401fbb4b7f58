package base

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// Where a base came from.
const (
	Present = "present" // it was in the engine
	Pulled  = "pulled"
	Loaded  = "loaded"  // out of a teacher's bundle
	Rebuilt = "rebuilt" // now or by an earlier run
)

// Ready is a base that is in the engine.
type Ready struct {
	Name       string         `json:"name"`   // in bases.yaml; of an image unknown there, the image
	Image      string         `json:"image"`  // what to pass as GO_IMAGE
	Source     string         `json:"source"` // Present, Pulled, Loaded or Rebuilt
	Facts                     // what the steps turn on
	Platform   image.Platform `json:"platform"`               // what it is for, and so all that is built on it
	Crossed    bool           `json:"crossed,omitempty"`      // emulated: its Go is the engine's machine's, and compiles for another
	StandInFor string         `json:"stand_in_for,omitempty"` // the image that it takes the place of; "" if it is the one asked for
	ImageID    string         `json:"-"`
	Bytes      int64          `json:"-"`
}

// Said names the base as every output that rests on it must.
func (r *Ready) Said() string {
	words := r.Image
	if r.StandInFor != "" {
		words = "a stand-in for " + r.StandInFor
	}
	if r.Crossed {
		words += " on " + r.Platform.String() + ", emulated, whose Go is this machine's and compiles for the other"
	}
	return words
}

// Unobtainable says that a base cannot be had: what was tried, and why it failed; and what else there is.
type Unobtainable struct {
	Image       string
	Tried, Ways []string
}

func (u *Unobtainable) Error() string {
	return fmt.Sprintf("the base %s cannot be had here\n  %s\nWays out, any one of them:\n  %s",
		u.Image, strings.Join(u.Tried, "\n  "), strings.Join(u.Ways, "\n  "))
}

// InEngine gives a base that is in the engine already, itself or its stand-in; nil
// where Ensure would have to get one. One that was loaded goes first: it carries
// the app's modules, so the steps need no network.
func InEngine(ctx context.Context, e *engine.Engine, b Base) (*Ready, error) {
	stand, err := standIn(ctx, e, b)
	if err != nil || stand != nil && stand.Source == Loaded {
		return stand, err
	}
	for _, name := range slices.Compact([]string{b.Image, pullName(e, b.Image)}) {
		// A reader may give the stand-in this name, too.
		if own, err := b.named(ctx, e, name, Present); err != nil || own != nil && (stand == nil || own.ImageID != stand.ImageID) {
			return own, err
		}
	}
	return stand, nil
}

// Ensure makes a base available in the engine: what InEngine finds is used; else the
// image is pulled; else a stand-in is built. The error is an *Unobtainable, the context's, or the engine's.
func Ensure(ctx context.Context, e *engine.Engine, b Base, say screen.Reporter) (*Ready, error) {
	if here, err := InEngine(ctx, e, b); here != nil || err != nil {
		return here, err
	}
	screen.Sayf(say, "the base %s is not here yet", b.Image)
	name := pullName(e, b.Image)
	words := []string{e.Name, "pull", name}
	if p := cmp.Or(b.Platform, e.Platform()); p.Arch != e.Arch {
		words = slices.Insert(words, 2, "--platform", p.String())
	}
	cannot := &Unobtainable{
		Image: b.Image,
		Tried: []string{"present: no"},
		Ways: []string{
			"connect this machine, then: " + strings.Join(words, " "),
			"load a teacher's bundle:    " + program.Call() + " load FILE",
			"use another golang image that is here: --base IMAGE",
		},
	}
	if b.Recipe != nil {
		cannot.Tried[0] += ", and no stand-in for it either"
		cannot.Ways = slices.Insert(cannot.Ways, 2, "on Debian or Ubuntu, with a network, run the same again: a stand-in is rebuilt")
	}
	err := pull(ctx, e, words, say)
	if err == nil {
		pulled, err := b.named(ctx, e, name, Pulled)
		if err == nil && pulled == nil {
			err = fmt.Errorf("%s says that it pulled %s, but does not have it", e.Name, name)
		}
		return pulled, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	cannot.Tried = append(cannot.Tried, "pull:    "+err.Error())
	var known *refusal
	if errors.As(err, &known) {
		cannot.Ways[0] = known.way
	}
	screen.Sayf(say, "it cannot be pulled: %v", err)
	if b.Recipe == nil {
		return nil, cannot
	}

	made, err := b.make(ctx, e, "", say)
	if err == nil || ctx.Err() != nil {
		return made, cmp.Or(ctx.Err(), err)
	}
	cannot.Tried = append(cannot.Tried, "rebuild: "+err.Error())
	return nil, cannot
}

// make makes the stand-in by its recipe; or out of the image on, which lacks the app's modules alone.
func (b Base) make(ctx context.Context, e *engine.Engine, on string, say screen.Reporter) (*Ready, error) {
	err := rebuild.Make(ctx, e, rebuild.Order{
		Name: b.standInName(e), For: b.Image, On: on, Recipe: b.Recipe, Arch: b.platform(e).Arch,
		Done: func() (bool, error) {
			made, err := standIn(ctx, e, b)
			return made != nil, err
		},
	}, say)
	if err != nil {
		return nil, err
	}
	made, err := standIn(ctx, e, b)
	if err == nil && made == nil {
		err = fmt.Errorf("%s was built, but is gone again", b.standInName(e))
	}
	return made, err
}

// standIn gives the stand-in for a base that is in the engine and was made by
// the recipe as it is now; nil if there is none.
func standIn(ctx context.Context, e *engine.Engine, b Base) (*Ready, error) {
	if b.Recipe == nil {
		return nil, nil
	}
	digest, err := b.Recipe.Digest(b.platform(e).Arch)
	if err != nil {
		return nil, err
	}
	name, source := b.standInName(e), Rebuilt
	found, err := madeBy(ctx, e, name, digest)
	if err != nil || found == nil {
		return nil, err
	}
	if slices.ContainsFunc(found.Tags, func(tag string) bool { return strings.HasSuffix(tag, loadedName(name)) }) {
		source = Loaded
	}
	return &Ready{
		Name: b.ID, Image: name, StandInFor: b.Image, Source: source, Facts: b.Facts, ImageID: found.ID, Bytes: found.Listed,
		Platform: b.platform(e), Crossed: b.platform(e).Arch != e.Arch,
	}, nil
}

// named describes the image of a name that is not a stand-in; nil where there is none, or for another
// platform only. What bases.yaml does not say of it is found out; of a listed one whose tag moves on, the Go version.
func (b Base) named(ctx context.Context, e *engine.Engine, name, source string) (*Ready, error) {
	found, err := e.FindImage(ctx, name)
	if err != nil || found == nil || b.Platform != (image.Platform{}) && found.Platform() != b.Platform {
		return nil, err
	}
	r := &Ready{Name: b.ID, Image: name, Source: source, ImageID: found.ID, Bytes: found.Listed, Facts: b.Facts, Platform: found.Platform()}
	if b.Go != "" && strings.Contains(b.Image, b.Go) {
		return r, nil
	}
	seen, err := look(ctx, e, found.ID)
	if b.Libc == "" {
		r.Facts = seen
	} else if seen.Go != "" {
		r.Go = seen.Go
	}
	return r, err
}
