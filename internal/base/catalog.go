// Package base sees to it that the image behind FROM is there: present in the
// engine, pulled, or, where nothing can be pulled, rebuilt as a stand-in of the
// same structure.
package base

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"optimizing-dockerfile/internal/base/rebuild"
	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/yamlfile"
)

// Base is an image that can stand behind FROM.
type Base struct {
	ID     string            `yaml:"id"`    // its name here; of an image unknown here, the image
	Image  string            `yaml:"image"` // as a registry has it
	Facts  `yaml:",inline"`  // where it is listed
	Loader map[string]string `yaml:"loader"` // the dynamic loader's path, by architecture as in GOARCH
	Recipe *rebuild.Recipe   `yaml:"recipe"` // how a stand-in is made; nil: it cannot be

	Platform image.Platform `yaml:"-"` // what it must be for; none: whatever is there, else the engine's
}

// Catalog is what bases.yaml lists, in its order.
type Catalog []Base

// Load reads bases.yaml in dir.
func Load(dir string) (Catalog, error) {
	return yamlfile.Table(filepath.Join(dir, "bases.yaml"), func(b *Base) (string, error) {
		err := b.check()
		if r := b.Recipe; r != nil {
			r.Folder, r.Modules = filepath.Join(dir, r.Folder), filepath.Join(dir, r.Modules)
		}
		return b.ID, err
	})
}

// Find gives the base of a name: an id, or with / or : in it an image, known
// here or not. "" is the first. The error says what is possible.
func (c Catalog) Find(name string) (Base, error) {
	if name == "" {
		return c[0], nil
	}
	var known []string
	for _, b := range c {
		if name == b.ID || name == b.Image {
			return b, nil
		}
		known = append(known, b.ID)
	}
	// An image's name starts with a letter or a digit; what starts otherwise
	// could be taken for an option of the engine's.
	if strings.ContainsAny(name, "/:") && regexp.MustCompile(`^[a-zA-Z0-9]\S*$`).MatchString(name) {
		return Base{ID: name, Image: name}, nil
	}
	return Base{}, fmt.Errorf("no base %q: one of %s, or an image such as golang:1.27-alpine", name, strings.Join(known, ", "))
}

func (b *Base) check() error {
	switch {
	case b.ID == "" || strings.ContainsAny(b.ID, "/: "):
		return fmt.Errorf("id %q: one word without / and :, which mark an image", b.ID)
	case b.Image == "":
		return fmt.Errorf("base %s has no image", b.ID)
	case b.Libc != "musl" && b.Libc != "glibc":
		return fmt.Errorf("base %s has libc %q: musl or glibc", b.ID, b.Libc)
	}
	r := b.Recipe
	if r != nil && (r.Folder == "" || r.Modules == "" || len(r.Packages) == 0 || r.Toolchain.Module == "" || r.Toolchain.Version == "") {
		return fmt.Errorf("base %s: a recipe needs folder, packages, toolchain and modules", b.ID)
	}
	return nil
}
