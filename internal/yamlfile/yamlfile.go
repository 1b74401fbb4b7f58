// Package yamlfile reads a table of ours: YAML, strictly, with line numbers in what
// it complains of.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
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
	f := &File{path: path}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return nil, f.located(err)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: a second document begins here; only one is read", path, more.Line)
	}
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

var (
	yamlLine = regexp.MustCompile(`^.*?line (\d+): `) // how the YAML library begins what it says of a line
	goType   = regexp.MustCompile(` (?:in type|into) \S+$`)
)

// located puts the YAML library's words into one line that begins with the place.
func (f *File) located(err error) error {
	var several *yaml.TypeError
	if errors.As(err, &several) {
		err = errors.New(several.Errors[0])
	}
	text := goType.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")
	if line := yamlLine.FindStringSubmatch(text); line != nil {
		return fmt.Errorf("%s:%s: %s", f.path, line[1], strings.TrimPrefix(text, line[0]))
	}
	return fmt.Errorf("%s: %s", f.path, text)
}
