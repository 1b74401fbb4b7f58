package source

import (
	"context"
	"strings"
	"sync"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine"
)

// Cache keeps the files of an engine's images for as long as several of them are
// looked at: images of the same layers hold the same files, which are read once.
// The zero value is an empty one.
type Cache struct {
	mu   sync.Mutex
	read map[string]*cached
}

// cached is the files that one list of layers makes.
type cached struct {
	reading sync.Mutex
	files   *image.Files // nil until they are read
}

// Saved is as the function Saved. What it gives is open until the cache is closed.
func (s *Cache) Saved(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (image.Image, error) {
	place := s.place(strings.Join(about.RootFS.Layers, " "))
	place.reading.Lock()
	defer place.reading.Unlock()
	if place.files == nil {
		files, err := readSaved(ctx, e, ref)
		if err != nil {
			return nil, image.Failed(ctx, ref, err)
		}
		place.files = files
	}
	return lent{image.Of(place.files, ref, about.ID, configIn(about)).(wholeImage)}, nil
}

func (s *Cache) place(layers string) *cached {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil {
		s.read = map[string]*cached{}
	}
	if s.read[layers] == nil {
		s.read[layers] = &cached{}
	}
	return s.read[layers]
}

// Bytes is how large an image is, on every engine and store the same: the regular files
// of all its layers, added up, hard links once. What engines list counts more: packed
// layers, blocks, headers, or at least the targets of links. A small image is read for it;
// of a large one the layers' sizes are noted in the cache folder by their digests, as the
// same layers are always as large.
func (s *Cache) Bytes(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (int64, error) {
	if Small(about) {
		img, err := s.Saved(ctx, e, ref, about)
		if err != nil {
			return 0, err
		}
		return img.(lent).Bytes(), nil
	}
	return layerBytes(ctx, e, ref, about.RootFS.Layers)
}

// Small says whether an image is read whole, to list its files: those from scratch are
// far below, those with a system in them far above. Engines list up to half as much again
// as the files have.
func Small(about engine.Image) bool { return about.Listed < 96<<20 }

// Close lets go of all files, and leaves an empty cache.
func (s *Cache) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, place := range s.read {
		if place.files != nil {
			place.files.Discard()
		}
	}
	s.read = nil
	return nil
}

// lent is an image whose files are the cache's.
type lent struct{ wholeImage }

// wholeImage is an image whose every file is known.
type wholeImage interface {
	image.Image
	image.Lister
	Bytes() int64
}

// Close leaves the files to those who look at them next.
func (lent) Close() error { return nil }
