// Package yamlfile reads a table of ours: YAML, strictly, with line numbers in what
// it complains of.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// What a table may hold. The repo's largest is 8 KB of 300 nodes: who reads a
// far larger one reads something else.
const (
	maxBytes = 256 << 10
	maxNodes = 10_000 // aliases followed
)

// File is a YAML file that was read, and knows on which line each item stands.
type File struct {
	path string
	text string
	root yaml.Node
}

// Read reads a file into v, strictly: v has a place for every key, no key is
// there twice, and nothing comes after it. An error names the file, and the line
// where there is one.
func Read(path string, v any) (*File, error) {
	text, err := readTable(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, text: string(text)}
	if err := yaml.Unmarshal(text, &f.root); err != nil {
		return nil, f.located(err)
	}
	if _, err := weigh(&f.root, map[*yaml.Node]int{}); err != nil {
		return nil, f.located(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return nil, f.located(err)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: a second document begins here; only one is read", path, more.Line)
	}
	return f, nil
}

func readTable(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: it is no regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s: it has more than %d KB, which no table here needs", path, maxBytes>>10)
	}
	return text, nil
}

// weigh counts the nodes that a node stands for, aliases followed: a few lines
// of them can stand for billions.
func weigh(n *yaml.Node, known map[*yaml.Node]int) (int, error) {
	const counting = -1
	if weight, ok := known[n]; ok && weight != counting {
		return weight, nil
	} else if ok {
		return 0, fmt.Errorf("line %d: the anchor %q contains itself", n.Line, n.Anchor)
	}
	known[n] = counting
	parts := n.Content
	if n.Alias != nil {
		parts = []*yaml.Node{n.Alias}
	}
	weight := 1
	for _, part := range parts {
		more, err := weigh(part, known)
		if err != nil {
			return 0, err
		}
		if weight += more; weight > maxNodes {
			return 0, fmt.Errorf("line %d: it stands for more than %d values, aliases followed", n.Line, maxNodes)
		}
	}
	known[n] = weight
	return weight, nil
}

// Wrong says what is wrong with an item, and where that stands. at are the keys
// and positions that lead to it.
func (f *File) Wrong(err error, at ...any) error {
	n := &f.root
	step := func(next func(*yaml.Node) *yaml.Node) {
		if n.Alias != nil {
			n = n.Alias
		}
		if found := next(n); found != nil {
			n = found
		}
	}
	step(func(n *yaml.Node) *yaml.Node { return item(n, 0) }) // the document's content
	for _, word := range at {
		step(func(n *yaml.Node) *yaml.Node {
			if position, ok := word.(int); ok {
				return item(n, position)
			}
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == word {
					return n.Content[i+1]
				}
			}
			return nil
		})
	}
	return fmt.Errorf("%s:%d: %w", f.path, max(1, n.Line), err)
}

func item(n *yaml.Node, position int) *yaml.Node {
	if position < len(n.Content) {
		return n.Content[position]
	}
	return nil
}

var (
	yamlLine = regexp.MustCompile(`line (\d+): `)                     // how the YAML library begins what it says of a line
	anchor   = regexp.MustCompile(`unknown anchor '(.+)' referenced`) // of which it names no line
	goType   = regexp.MustCompile(` (?:in type|into) \S+$`)
)

// located puts the YAML library's words into one line that begins with the place.
func (f *File) located(err error) error {
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if found := yamlLine.FindStringSubmatchIndex(text); found != nil {
		line, _ = strconv.Atoi(text[found[2]:found[3]])
		text = text[found[1]:]
	}
	text, _, _ = strings.Cut(text, "\n") // of several, the first
	text = goType.ReplaceAllString(text, "")
	if line == 0 {
		line = f.lineOf(text)
	}
	if line == 0 {
		return fmt.Errorf("%s: %s", f.path, text)
	}
	return fmt.Errorf("%s:%d: %s", f.path, line, text)
}

// lineOf finds the line that the YAML library complains of without naming it: of an
// alias, a byte that is no UTF-8, a control character. 0 where there is none such.
func (f *File) lineOf(complaint string) int {
	alias := anchor.FindStringSubmatch(complaint)
	number := 0
	for line := range strings.Lines(f.text) {
		number++
		switch {
		case alias != nil:
			if strings.Contains(line, "*"+alias[1]) {
				return number
			}
		case !utf8.ValidString(line), strings.ContainsFunc(strings.TrimRight(line, "\r\n"), control):
			return number
		}
	}
	return 0
}

func control(r rune) bool { return unicode.IsControl(r) && r != '\t' }
