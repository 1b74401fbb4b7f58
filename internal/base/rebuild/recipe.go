package rebuild

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Recipe says how a stand-in of a base is made.
type Recipe struct {
	Folder    string    `yaml:"folder"`    // a Dockerfile and what else it copies
	Packages  []string  `yaml:"packages"`  // of Debian or Ubuntu; their dependencies come with them
	Toolchain Toolchain `yaml:"toolchain"` // the Go release
	Crosses   bool      `yaml:"crosses"`   // for another machine, the engine's own Go can take the place of that machine's
	Modules   string    `yaml:"modules"`   // the folder whose go.sum lists the modules that lie in the base
}

// Toolchain is a Go release as a module.
type Toolchain struct {
	Module  string            `yaml:"module"`
	Version string            `yaml:"version"` // without .linux-ARCH
	Sums    map[string]string `yaml:"sums"`    // h1: of the module's zip, by architecture
}

// format changes when this package lays out the build context in another way,
// so that stand-ins made before are made anew.
const format = "1"

// Digest covers all that decides what a stand-in is: the recipe's files, the
// packages by name (a security update of one is no other recipe), the Go
// release, and the app's modules.
func (r *Recipe) Digest(arch string) (string, error) {
	if r == nil {
		return "", errors.New("the base has no recipe")
	}
	hash := sha256.New()
	add := func(name string, content []byte) {
		fmt.Fprintf(hash, "%s %d\n", name, len(content))
		hash.Write(content)
	}
	add("format", []byte(format))
	add("arch", []byte(arch))
	add("packages", []byte(strings.Join(r.Packages, "\n")))
	add("toolchain", []byte(r.Toolchain.Module+"@"+r.Toolchain.versionFor(arch)+" "+r.Toolchain.Sums[arch]))
	files, err := r.files()
	if err != nil {
		return "", err
	}
	for _, f := range files {
		add("file "+f.name, f.content)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(r.Modules, name))
		if err != nil {
			return "", err
		}
		add(name, asCommitted(content))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// file is one of a recipe's folder.
type file struct {
	name    string
	content []byte
}

// files gives those of the recipe's folder, which has no folders in it, in lexical order.
func (r *Recipe) files() (all []file, err error) {
	entries, err := os.ReadDir(r.Folder)
	for _, entry := range entries {
		content, failed := os.ReadFile(filepath.Join(r.Folder, entry.Name()))
		all, err = append(all, file{entry.Name(), asCommitted(content)}), errors.Join(err, failed)
	}
	return all, err
}

// asCommitted undoes what a Windows checkout does to line ends.
func asCommitted(content []byte) []byte {
	return bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
}

func (t Toolchain) versionFor(arch string) string { return t.Version + ".linux-" + arch }
