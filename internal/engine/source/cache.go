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

// Open opens an image that the engine has described, to look into: a small one's files are
// read all at once, and stay until the cache is closed; a large one is asked for each.
func (s *Cache) Open(ctx context.Context, e *engine.Engine, about engine.Image) (image.Image, error) {
	if !Small(about) {
		return Described(ctx, e, about.ID, about)
	}
	files, err := s.files(ctx, e, about)
	if err != nil {
		return nil, err
	}
	return image.Lent(files, about.ID, about.ID, configIn(about)), nil
}

// files gives those of a small image.
func (s *Cache) files(ctx context.Context, e *engine.Engine, about engine.Image) (*image.Files, error) {
	s.mu.Lock()
	if s.read == nil {
		s.read = map[string]*cached{}
	}
	layers := strings.Join(about.RootFS.Layers, " ")
	if s.read[layers] == nil {
		s.read[layers] = &cached{}
	}
	place := s.read[layers]
	s.mu.Unlock()
	place.reading.Lock()
	defer place.reading.Unlock()
	if place.files == nil {
		files, err := readSaved(ctx, e, about.ID)
		if err != nil {
			return nil, image.Failed(ctx, about.ID, err)
		}
		place.files = files
	}
	return place.files, nil
}

// Weigh gives how large an image is, on every engine and store the same: the regular files
// of all its layers, added up, hard links once. What engines list counts more: packed
// layers, blocks, headers, or at least the targets of links. A small image is read for it,
// and all that it holds but folders comes along; of a large one the layers' sizes are noted
// in the cache folder by their digests, as the same layers are always as large.
func (s *Cache) Weigh(ctx context.Context, e *engine.Engine, about engine.Image) (bytes int64, holds []image.Entry, err error) {
	if !Small(about) {
		bytes, err = layerBytes(ctx, e, about.ID, about.RootFS.Layers)
		return bytes, nil, err
	}
	files, err := s.files(ctx, e, about)
	if err != nil {
		return 0, nil, err
	}
	err = files.Walk(func(entry image.Entry) error {
		if !entry.Mode.IsDir() {
			holds = append(holds, entry)
		}
		return nil
	})
	return files.Bytes(), holds, err
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
