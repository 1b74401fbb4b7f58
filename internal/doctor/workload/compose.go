package workload

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/mattn/go-shellwords"
	"go.yaml.in/yaml/v3"
)

// service is what is read of a compose file's service. What is read on top of one that it extends replaces that, or adds to it.
type service struct {
	Image       text      `yaml:"image"`
	Build       yaml.Node `yaml:"build"`
	Entrypoint  words     `yaml:"entrypoint"`
	Command     words     `yaml:"command"`
	User        text      `yaml:"user"`
	WorkingDir  text      `yaml:"working_dir"`
	GroupAdd    []any     `yaml:"group_add"`
	Environment entries   `yaml:"environment"`
	EnvFile     yaml.Node `yaml:"env_file"`
	Platform    text      `yaml:"platform"`
	CapAdd      texts     `yaml:"cap_add"`
	CapDrop     texts     `yaml:"cap_drop"`
	Privileged  flag      `yaml:"privileged"`
	Init        flag      `yaml:"init"`
	Volumes     mounts    `yaml:"volumes"`
	Tmpfs       entries   `yaml:"tmpfs"`
}

// words is a list, or a string that compose makes that list of; nil where it is not there.
type words []string

// UnmarshalYAML is yaml's.
func (w *words) UnmarshalYAML(n *yaml.Node) error {
	*w = nil
	if n.Kind != yaml.ScalarNode {
		return n.Decode((*texts)(w))
	}
	var line text
	err := n.Decode(&line)
	if err == nil && len(line) > mostLine {
		err = fmt.Errorf("line %d: it is a line of words of %d bytes; write a list", n.Line, len(line))
	}
	if err != nil {
		return err
	}
	if *w, err = shellwords.Parse(string(line)); err != nil {
		return fmt.Errorf("line %d: %q is no line of words: a quote is open, or a ( is outside of quotes", n.Line, line)
	}
	return nil
}

// entries are such as NAME=VALUE, or NAME alone where the value is the caller's; in the file a list, a map, or one alone.
type entries []string

// UnmarshalYAML is yaml's.
func (e *entries) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.SequenceNode:
		return n.Decode((*texts)(e))
	case yaml.ScalarNode:
		*e = append(*e, n.Value)
		return nil
	}
	values := map[string]*string{}
	err := n.Decode(&values)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if value := values[name]; value != nil {
			name += "=" + *value
		}
		*e = append(*e, name)
	}
	return err
}

// flag is true or false; compose takes it as a string, too.
type flag bool

// UnmarshalYAML is yaml's.
func (f *flag) UnmarshalYAML(n *yaml.Node) error {
	var is bool
	plain := yaml.Node{Kind: n.Kind, Value: n.Value, Content: n.Content, Line: n.Line}
	err := plain.Decode(&is)
	*f = flag(is)
	return err
}

// mounts are the volumes of a service.
type mounts []mount

// UnmarshalYAML is yaml's.
func (m *mounts) UnmarshalYAML(n *yaml.Node) error {
	var more []mount
	err := n.Decode(&more)
	*m = append(*m, more...)
	return err
}

// mount is one of them, in its short or long form.
type mount struct {
	Type   string `yaml:"type"`
	Target string `yaml:"target"`
}

// inShort is SOURCE:TARGET; a source may begin with a drive of Windows.
var inShort = regexp.MustCompile(`^((?:[A-Za-z]:)?[^:]+):((?:[A-Za-z]:)?[^:]+)`)

// UnmarshalYAML is yaml's.
func (m *mount) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		type plain mount
		return n.Decode((*plain)(m))
	}
	m.Type, m.Target = "volume", n.Value
	if parts := inShort.FindStringSubmatch(n.Value); parts != nil {
		m.Target = parts[2]
		if strings.ContainsAny(parts[1][:1], `./~\`) || strings.Contains(parts[1], ":") {
			m.Type = "bind"
		}
	}
	return nil
}

// fromService are the doctor's options, as a compose file calls them.
var fromService = map[string]string{
	"--entrypoint": "entrypoint", "ARGS": "command", "--workdir": "working_dir", "--user": "user", "--env": "environment",
}

func compose(path string, n *yaml.Node, environment lookup) (all []Container, err error) {
	vars, err := dotEnv(filepath.Join(filepath.Dir(path), ".env"), environment)
	if err != nil {
		return nil, err
	}
	left := mostFilled
	counted := lookup(func(name string) (string, bool) {
		value, set := vars(name)
		if left -= len(value); left < 0 {
			value = ""
		}
		return value, set
	})
	file := &composeFile{path: path, vars: counted, others: map[string]*composeFile{}}
	if err := file.read(n); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	called, _ := vars("COMPOSE_PROJECT_NAME")
	called = cmp.Or(called, string(file.Name), filepath.Base(dir))
	for i := 0; i+1 < len(file.Services.Content); i += 2 {
		name := file.Services.Content[i].Value
		s, err := file.service(name, 0)
		if left < 0 {
			err = fmt.Errorf("its variables become more than %d bytes", mostFilled)
		}
		if err != nil {
			return nil, err
		}
		if s.Image == "" && s.Build.Kind == 0 {
			return nil, fmt.Errorf("line %d: the service %s has neither image nor build", file.Services.Content[i].Line, name)
		}
		all = append(all, s.container(called, name, vars))
	}
	if file.Include.Kind != 0 && len(all) > 0 {
		all[0].Notes = append(all[0].Notes, "the services of the files that are included are not looked at")
	}
	return all, nil
}
