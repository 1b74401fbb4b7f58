// Package workload reads what starts containers of images: Kubernetes' pods, and what has a pod template, and compose
// files. It takes from them what bears on whether an image can start, by small structs of its own.
package workload

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/yamlfile"
)

// Container is one container that a file describes.
type Container struct {
	Name, Owner string // app, Pod/web
	Init        bool   // it runs before the others
	Image       string
	Platform    string // that it is to run on; "" the engine's
	Options     doctor.Options
	Unknown     string   // why it cannot be told, whatever the image holds
	Notes       []string // what of the file was not looked at
}

// Bounds of what a file says: of the containers, of a name, of a line of words, and of what variables become.
const (
	mostContainers = 1000
	mostName       = 4 << 10
	mostLine       = 16 << 10
	mostFilled     = 4 << 20
)

// Read gives the containers of a file, in its order. environment is where it is called, of which a compose file takes values.
func Read(path string, environment func(string) (string, bool)) (all []Container, err error) {
	documents, err := yamlfile.Documents(path)
	for i := 0; i < len(documents) && err == nil; i++ {
		var some []Container
		some, err = read(path, documents[i], environment)
		if all = append(all, some...); len(all) > mostContainers {
			return nil, fmt.Errorf("%s describes more than %d containers, and no more are examined at a time", path, mostContainers)
		}
	}
	for _, c := range all {
		if len(c.Name)+len(c.Owner)+len(c.Image)+len(c.Platform) > mostName {
			return nil, fmt.Errorf("%s names a container or an image by over %d bytes", path, mostName)
		}
	}
	if err != nil {
		return nil, yamlfile.At(path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s describes no container: no pod, nothing that has a pod template, no compose service", path)
	}
	return all, nil
}

// read reads a document.
func read(path string, n *yaml.Node, environment lookup) (all []Container, err error) {
	var is struct {
		Kind     string      `yaml:"kind"`
		Items    []yaml.Node `yaml:"items"`
		Services yaml.Node   `yaml:"services"`
	}
	wrong := n.Decode(&is)
	switch {
	case n.Kind != yaml.MappingNode || wrong != nil && is.Kind == "" && is.Services.Kind == 0: // something else
	case is.Kind == "" && is.Services.Kind == yaml.MappingNode:
		return compose(path, n, environment)
	case strings.HasSuffix(is.Kind, "List"):
		for i := 0; i < len(is.Items) && len(all) <= mostContainers && err == nil; i++ {
			var some []Container
			some, err = read(path, &is.Items[i], environment)
			all = append(all, some...)
		}
	case is.Kind != "":
		return kubernetes(is.Kind, n)
	}
	return all, err
}

// values changes all that is no key.
func values(n *yaml.Node, change func(scalar *yaml.Node) error) error {
	if n.Kind == yaml.ScalarNode {
		return change(n)
	}
	for i, part := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if err := values(part, change); err != nil {
			return err
		}
	}
	return nil
}

// text is a string, and nothing that only looks like one: neither Kubernetes nor compose takes a number for it.
type text string

func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if tag := n.ShortTag(); n.Kind != yaml.ScalarNode || tag != "!!str" && tag != "!!timestamp" {
		return fmt.Errorf("line %d: %q is no string: put it in quotes", n.Line, n.Value)
	}
	*t = text(n.Value)
	return nil
}

// texts is a list of them.
type texts []string

func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return fmt.Errorf("line %d: it is no list", n.Line)
	}
	*t = append(texts{}, *t...)
	for _, item := range n.Content { // yaml itself leaves out a null
		var one text
		if err := item.Decode(&one); err != nil {
			return err
		}
		*t = append(*t, string(one))
	}
	return nil
}
