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
	Start       doctor.Start
	Unknown     string   // why it cannot be told, whatever the image holds
	Notes       []string // what of the file was not looked at
}

// Read gives the containers of a file, in its order. lookup is the environment, of which a compose file takes values.
func Read(path string, lookup func(string) (string, bool)) ([]Container, error) {
	documents, err := yamlfile.Documents(path)
	if err != nil {
		return nil, err
	}
	var all []Container
	for _, document := range documents {
		some, err := read(path, document, lookup)
		if err != nil {
			return nil, yamlfile.At(path, err)
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s describes no container: no pod, nothing that has a pod template, no compose service", path)
	}
	return all, nil
}

func read(path string, n *yaml.Node, lookup func(string) (string, bool)) (all []Container, err error) {
	var is struct {
		Kind     string      `yaml:"kind"`
		Items    []yaml.Node `yaml:"items"`
		Services yaml.Node   `yaml:"services"`
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	if err := n.Decode(&is); err != nil && is.Kind == "" && is.Services.Kind == 0 {
		return nil, nil // something else
	}
	switch {
	case is.Kind == "" && is.Services.Kind == yaml.MappingNode:
		return compose(path, n, lookup)
	case strings.HasSuffix(is.Kind, "List"):
		for i := range is.Items {
			some, err := read(path, &is.Items[i], lookup)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		return all, nil
	case is.Kind == "":
		return nil, nil
	}
	return kubernetes(is.Kind, n)
}
