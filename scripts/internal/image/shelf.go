package image

import (
	"context"
	"strings"
	"sync"

	"optimizing-dockerfile/scripts/internal/engine"
)

// Shelf keeps the files of an engine's images for as long as several of them are
// looked at: images of the same layers hold the same files, which are read once.
// The zero value is an empty one.
type Shelf struct {
	mu   sync.Mutex
	read map[string]*shelved
}

// shelved is the files that one list of layers makes.
type shelved struct {
	reading sync.Mutex
	files   *kept // nil until they are read
}

// Saved is as the function Saved. What it gives is open until the shelf is closed.
func (s *Shelf) Saved(ctx context.Context, e *engine.Engine, ref string, about engine.Image) (Image, error) {
	place := s.place(strings.Join(about.RootFS.Layers, " "))
	place.reading.Lock()
	defer place.reading.Unlock()
	if place.files == nil {
		img, err := readSaved(ctx, e, ref, about)
		if err != nil {
			return finish(ctx, nil, ref, err)
		}
		place.files = img.kept
	}
	return lent{&archived{kept: place.files, name: ref, id: about.ID, config: configIn(about)}}, nil
}

func (s *Shelf) place(layers string) *shelved {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil {
		s.read = map[string]*shelved{}
	}
	if s.read[layers] == nil {
		s.read[layers] = &shelved{}
	}
	return s.read[layers]
}

// Close lets go of all files, and leaves an empty shelf.
func (s *Shelf) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, place := range s.read {
		if place.files != nil {
			place.files.close()
		}
	}
	s.read = nil
	return nil
}

// lent is an image whose files are the shelf's.
type lent struct{ *archived }

// Close leaves the files to those who look at them next.
func (lent) Close() error { return nil }
