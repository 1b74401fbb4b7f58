package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

// Bounds of a file: a list that `kubectl get` prints may be long.
const (
	mostBytes  = 4 << 20
	mostValues = 200_000
)

// Documents gives the documents of a file of somebody else's, within bounds.
func Documents(path string) (all []*yaml.Node, err error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path}
	for decoder, left := yaml.NewDecoder(bytes.NewReader(text)), mostValues; ; {
		var n yaml.Node
		if err := decoder.Decode(&n); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, f.located(err)
		}
		weight, err := weigh(&n, left, map[*yaml.Node]int{})
		if err != nil {
			return nil, f.located(err)
		}
		left -= weight
		if len(n.Content) == 1 {
			all = append(all, n.Content[0])
		}
	}
}

// At puts what is wrong in a file into one line that begins with the place.
func At(path string, err error) error { return (&File{path: path}).located(err) }

func readFile(path string) ([]byte, error) {
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
	text, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostBytes {
		return nil, fmt.Errorf("%s: it has more than %d KB, which no such file needs", path, mostBytes>>10)
	}
	return text, nil
}

// weigh counts the nodes that a node stands for, aliases followed: a few lines
// of them can stand for billions.
func weigh(n *yaml.Node, most int, known map[*yaml.Node]int) (int, error) {
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
