// Package yamlfile reads YAML within bounds, with line numbers in what it complains of: a
// table of ours strictly, the documents of somebody else's file as they are.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a file: a list that `kubectl get` prints may be long.
const (
	mostBytes  = 4 << 20
	mostValues = 200_000
	mostKeys   = 4_000 // of one mapping: the parser compares each with all others
)

// Read reads a file into v, strictly: v has a place for every key, no key is
// there twice, and nothing comes after it. An error names the file, and the line
// where there is one. What may be too deep, or too many aliases, the library knows.
func Read(path string, v any) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return At(path, err)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s:%d: a second document begins here; only one is read", path, more.Line)
	}
	return nil
}

// Table reads a list as Read does. Each item is checked, and has a name of its own; what is wrong with one is told with its line.
func Table[T any](path string, check func(*T) (name string, err error)) (items []T, err error) {
	err = Read(path, &items)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no table: %w", err)
	case err == nil && len(items) == 0:
		err = fmt.Errorf("%s:1: it lists nothing", path)
	}
	if err != nil {
		return nil, err
	}
	var lines []yaml.Node
	if err := Read(path, &lines); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range items {
		name, err := check(&items[i])
		if seen[name] {
			err = fmt.Errorf("%s is there twice", name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, lines[i].Line, err)
		}
		seen[name] = true
	}
	return items, nil
}

// Documents gives the documents of a file of somebody else's.
func Documents(path string) (all []*yaml.Node, err error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	for decoder, left := yaml.NewDecoder(bytes.NewReader(text)), mostValues; ; {
		var n yaml.Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err == nil {
			err = weigh(&n, &left)
		}
		if err != nil {
			return nil, At(path, err)
		}
		if len(n.Content) == 1 {
			all = append(all, n.Content[0])
		}
	}
}

// weigh takes the nodes that a node stands for from what is left, aliases followed: a few lines of them can stand
// for billions, or for themselves.
func weigh(n *yaml.Node, left *int) error {
	if *left--; *left < 0 {
		return fmt.Errorf("line %d: it stands for more than %d values, aliases followed", n.Line, mostValues)
	}
	if n.Kind == yaml.MappingNode && len(n.Content) > 2*mostKeys {
		return fmt.Errorf("line %d: a mapping has more than %d keys", n.Line, mostKeys)
	}
	if n.Alias != nil {
		return weigh(n.Alias, left)
	}
	for _, part := range n.Content {
		if err := weigh(part, left); err != nil {
			return err
		}
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: it is no regular file", path)
	case info.Size() > mostBytes:
		return nil, fmt.Errorf("%s: it has more than %d KB, which no such file needs", path, mostBytes>>10)
	}
	return os.ReadFile(path)
}

var (
	yamlLine = regexp.MustCompile(`^.*?line (\d+): `) // how the YAML library begins what it says of a line
	goType   = regexp.MustCompile(` (?:in type|into) \S+$`)
)

// At puts what is wrong in a file into one line that begins with the place.
func At(path string, err error) error {
	var several *yaml.TypeError
	if errors.As(err, &several) {
		err = errors.New(several.Errors[0])
	}
	text := goType.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")
	if line := yamlLine.FindStringSubmatch(text); line != nil {
		return fmt.Errorf("%s:%s: %s", path, line[1], strings.TrimPrefix(text, line[0]))
	}
	return fmt.Errorf("%s: %s", path, text)
}
