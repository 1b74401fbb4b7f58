// Package yamlfile reads YAML within bounds, with line numbers in what it complains of: a
// table of ours strictly, the documents of somebody else's file as they are.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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

// File is a YAML file that was read, and knows on which line each item stands.
type File struct {
	path string
	root yaml.Node
}

// Read reads a file into v, strictly: v has a place for every key, no key is
// there twice, and nothing comes after it. An error names the file, and the line
// where there is one. What may be too deep, or too many aliases, the library knows.
func Read(path string, v any) (*File, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return nil, At(path, err)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: a second document begins here; only one is read", path, more.Line)
	}
	f := &File{path: path}
	return f, yaml.Unmarshal(text, &f.root)
}

// Wrong says what is wrong with an item, and where that stands. at are the keys
// and positions that lead to it.
func (f *File) Wrong(err error, at ...any) error {
	n := &f.root
	for _, step := range append([]any{0}, at...) { // the document's content is its first
		position, counted := step.(int)
		for i := 0; !counted && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				position = i + 1
			}
		}
		if position >= len(n.Content) {
			break
		}
		if n = n.Content[position]; n.Alias != nil {
			n = n.Alias
		}
	}
	return fmt.Errorf("%s:%d: %w", f.path, max(1, n.Line), err)
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
		weight := 0
		if err == nil {
			weight, err = weigh(&n, left, map[*yaml.Node]int{})
		}
		if err != nil {
			return nil, At(path, err)
		}
		left -= weight
		if len(n.Content) == 1 {
			all = append(all, n.Content[0])
		}
	}
}

// weigh counts the nodes that a node stands for, aliases followed: a few lines
// of them can stand for billions.
func weigh(n *yaml.Node, most int, known map[*yaml.Node]int) (int, error) {
	const counting = -1
	switch weight := known[n]; weight {
	case counting:
		return 0, fmt.Errorf("line %d: the anchor %q contains itself", n.Line, n.Anchor)
	case 0:
	default:
		return weight, nil
	}
	if n.Kind == yaml.MappingNode && len(n.Content) > 2*mostKeys {
		return 0, fmt.Errorf("line %d: a mapping has more than %d keys", n.Line, mostKeys)
	}
	known[n] = counting
	parts := n.Content
	if n.Alias != nil {
		parts = []*yaml.Node{n.Alias}
	}
	weight := 1
	for _, part := range parts {
		more, err := weigh(part, most, known)
		if err != nil {
			return 0, err
		}
		if weight += more; weight > most {
			return 0, fmt.Errorf("line %d: it stands for more than %d values, aliases followed", n.Line, most)
		}
	}
	known[n] = weight
	return weight, nil
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
