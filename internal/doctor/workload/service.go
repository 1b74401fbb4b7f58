package workload

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-shellwords"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
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
	Volumes     []mount   `yaml:"volumes"`
	Tmpfs       entries   `yaml:"tmpfs"`
}

// words is a list, or a string that compose makes that list of; nil where it is not there.
type words []string

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

func (f *flag) UnmarshalYAML(n *yaml.Node) error {
	var is bool
	plain := yaml.Node{Kind: n.Kind, Value: n.Value, Content: n.Content, Line: n.Line}
	err := plain.Decode(&is)
	*f = flag(is)
	return err
}

// mount is a volume of a service, in its short or long form.
type mount struct {
	Type   string `yaml:"type"`
	Target string `yaml:"target"`
}

// inShort is SOURCE:TARGET; a source may begin with a drive of Windows.
var inShort = regexp.MustCompile(`^((?:[A-Za-z]:)?[^:]+):((?:[A-Za-z]:)?[^:]+)`)

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

// notInName is what of a project's name may not be in an image's.
var notInName = regexp.MustCompile(`^[^a-z0-9]+|[^a-z0-9_-]`)

func (s service) container(project, name string, vars lookup) Container {
	one := Container{Name: name, Owner: "service/" + name, Image: string(s.Image), Platform: string(s.Platform)}
	if one.Image == "" {
		one.Image = notInName.ReplaceAllString(strings.ToLower(project), "") + "-" + name
	}
	one.Options = doctor.Options{User: string(s.User), Workdir: string(s.WorkingDir), Args: s.Command, Init: bool(s.Init),
		Privileged: bool(s.Privileged), CapAdd: s.CapAdd, CapDrop: s.CapDrop, Mounts: map[string]bool{}, Called: fromService}
	if s.Entrypoint != nil {
		one.Options.Entrypoint = (*[]string)(&s.Entrypoint)
	}
	for _, group := range s.GroupAdd { // a name is the image's affair
		if n, err := strconv.Atoi(fmt.Sprint(group)); err == nil {
			one.Options.Groups = append(one.Options.Groups, n)
		}
	}
	for _, m := range s.Volumes {
		at := path.Clean("/" + m.Target)
		if one.Options.Mounts[at] = m.Type == "tmpfs"; m.Type == "volume" { // a new one of the engine's takes over what the image has there
			delete(one.Options.Mounts, at)
		}
	}
	for _, t := range s.Tmpfs {
		t, _, _ = strings.Cut(t, ":")
		one.Options.Mounts[path.Clean("/"+t)] = true
	}
	if s.EnvFile.Kind != 0 {
		one.Notes = append(one.Notes, "env_file is not read; it may set PATH, too")
	}
	for _, entry := range s.Environment {
		if value, set := vars(entry); set { // one that is not set takes the image's away
			entry += "=" + value
		}
		one.Options.Env = append(one.Options.Env, entry)
	}
	return one
}
