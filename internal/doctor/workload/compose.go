package workload

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
)

// Service is what is read of a compose file's service.
type Service struct {
	Image       string    `yaml:"image"`
	Build       yaml.Node `yaml:"build"`
	Entrypoint  Words     `yaml:"entrypoint"`
	Command     Words     `yaml:"command"`
	User        string    `yaml:"user"`
	WorkingDir  string    `yaml:"working_dir"`
	Environment yaml.Node `yaml:"environment"`
	EnvFile     yaml.Node `yaml:"env_file"`
	Platform    string    `yaml:"platform"`
	CapAdd      []string  `yaml:"cap_add"`
	CapDrop     []string  `yaml:"cap_drop"`
	Privileged  bool      `yaml:"privileged"`
	Init        bool      `yaml:"init"`
	Volumes     []Mount   `yaml:"volumes"`
	Tmpfs       Words     `yaml:"tmpfs"`
	Extends     yaml.Node `yaml:"extends"`
}

// Words is a list, or a string that a shell would make that list of; nil where it is not there.
type Words []string

// UnmarshalYAML is yaml's.
func (w *Words) UnmarshalYAML(n *yaml.Node) (err error) {
	if n.Kind == yaml.ScalarNode {
		if *w, err = split(n.Value); err != nil {
			err = fmt.Errorf("line %d: %w", n.Line, err)
		}
		return err
	}
	all := []string{}
	err = n.Decode(&all)
	*w = all
	return err
}

// Mount is a volume of a service, in its short or long form.
type Mount struct {
	Type   string `yaml:"type"`
	Source string `yaml:"source"`
	Target string `yaml:"target"`
}

// UnmarshalYAML is yaml's.
func (m *Mount) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		type plain Mount
		return n.Decode((*plain)(m))
	}
	parts := strings.Split(n.Value, ":")
	m.Type, m.Target = "volume", parts[0]
	if len(parts) > 1 {
		m.Source, m.Target = parts[0], parts[1]
		if strings.ContainsAny(m.Source[:min(1, len(m.Source))], "./~") {
			m.Type = "bind"
		}
	}
	return nil
}

// fromService are the doctor's options, as a compose file calls them.
var fromService = map[string]string{"--entrypoint": "entrypoint", "ARGS": "command", "--workdir": "working_dir", "--user": "user", "--env": "environment"}

func compose(file string, n *yaml.Node, lookup func(string) (string, bool)) (all []Container, err error) {
	vars := dotEnv(filepath.Join(filepath.Dir(file), ".env"), lookup)
	if err := vars.interpolate(n, map[*yaml.Node]bool{}); err != nil {
		return nil, err
	}
	var project struct {
		Name     string    `yaml:"name"`
		Services yaml.Node `yaml:"services"`
	}
	if err := n.Decode(&project); err != nil {
		return nil, err
	}
	if project.Name == "" {
		if project.Name, _ = vars("COMPOSE_PROJECT_NAME"); project.Name == "" {
			dir, err := filepath.Abs(filepath.Dir(file))
			if err != nil {
				return nil, err
			}
			project.Name = filepath.Base(dir)
		}
	}
	for i := 0; i+1 < len(project.Services.Content); i += 2 {
		name, at := project.Services.Content[i].Value, project.Services.Content[i+1]
		var s Service
		if err := at.Decode(&s); err != nil {
			return nil, err
		}
		one, err := s.container(project.Name, name, vars)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", at.Line, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// projectName keeps of a project's name what may be in an image's.
var projectName = regexp.MustCompile(`[^a-z0-9_-]`)

func (s Service) container(project, name string, vars lookup) (Container, error) {
	one := Container{Name: name, Owner: "service/" + name, Image: s.Image, Platform: s.Platform}
	if one.Image == "" {
		one.Image = strings.TrimLeft(projectName.ReplaceAllString(strings.ToLower(project), ""), "_-") + "-" + name
	}
	one.Start = doctor.Start{User: s.User, Workdir: s.WorkingDir, Args: s.Command, Init: s.Init, Privileged: s.Privileged,
		CapAdd: s.CapAdd, CapDrop: s.CapDrop, Mounts: map[string]bool{}, Called: fromService}
	if s.Entrypoint != nil {
		entrypoint := []string(s.Entrypoint)
		one.Start.Entrypoint = &entrypoint
	}
	for _, m := range s.Volumes {
		if m.Type != "volume" { // a new one of the engine's takes over what the image has there
			one.Start.Mounts[path.Clean("/"+m.Target)] = m.Type == "tmpfs"
		}
	}
	for _, t := range s.Tmpfs {
		t, _, _ = strings.Cut(t, ":")
		one.Start.Mounts[path.Clean("/"+t)] = true
	}
	if s.Extends.Kind != 0 {
		one.Unknown = "the service extends another, which the doctor does not follow (`docker compose config` writes it out)"
	}
	if s.EnvFile.Kind != 0 {
		one.Notes = append(one.Notes, "env_file is not read; it may set PATH, too")
	}
	switch n := &s.Environment; n.Kind {
	case yaml.MappingNode:
		values := map[string]*string{}
		if err := n.Decode(&values); err != nil {
			return one, err
		}
		for name, value := range values {
			if value == nil {
				one.inherit(name, vars)
			} else {
				one.Start.Env = append(one.Start.Env, name+"="+*value)
			}
		}
	case yaml.SequenceNode:
		var list []string
		if err := n.Decode(&list); err != nil {
			return one, err
		}
		for _, entry := range list {
			if strings.Contains(entry, "=") {
				one.Start.Env = append(one.Start.Env, entry)
			} else {
				one.inherit(entry, vars)
			}
		}
	}
	return one, nil
}

// inherit takes a variable's value from where compose is called.
func (c *Container) inherit(name string, vars lookup) {
	if value, ok := vars(name); ok {
		c.Start.Env = append(c.Start.Env, name+"="+value)
	}
}

// lookup gives a variable's value.
type lookup func(string) (string, bool)

// dotEnv adds to an environment what the file .env beside a compose file says.
func dotEnv(file string, environment lookup) lookup {
	values := map[string]string{}
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() < 1<<20 {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export ")), "=")
			if ok && !strings.HasPrefix(name, "#") {
				value, _, _ = strings.Cut(value, " #")
				values[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"'`)
			}
		}
	}
	return func(name string) (string, bool) {
		if value, ok := environment(name); ok {
			return value, true
		}
		value, ok := values[name]
		return value, ok
	}
}

// interpolate fills in the variables of all values.
func (l lookup) interpolate(n *yaml.Node, seen map[*yaml.Node]bool) error {
	if seen[n] {
		return nil
	}
	seen[n] = true
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "$") {
		value, err := l.fill(n.Value)
		if err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		if n.Value = value; n.Style == 0 {
			n.Tag = "" // what it is may be another thing now: true, a number
		}
	}
	for i, part := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if err := l.interpolate(part, seen); err != nil {
			return err
		}
	}
	return nil
}

var variable = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])((?:[^$}]|\$\{[^}]*\}|\$)*))?\})`)

// fill fills in $NAME, ${NAME}, ${NAME:-otherwise}, ${NAME:?complaint} and ${NAME:+instead}; $$ is a dollar.
func (l lookup) fill(text string) (string, error) {
	out := ""
	for {
		before, after, found := strings.Cut(text, "$")
		if out += before; !found {
			return out, nil
		}
		if strings.HasPrefix(after, "$") {
			out, text = out+"$", after[1:]
			continue
		}
		m := variable.FindStringSubmatch(after)
		if m == nil {
			return "", fmt.Errorf("%q: a dollar begins a variable; write $$ for the dollar itself", text)
		}
		text = after[len(m[0]):]
		value, set := l(m[1] + m[2])
		if strings.HasPrefix(m[3], ":") {
			set = set && value != ""
		}
		var err error
		switch kind := strings.TrimPrefix(m[3], ":"); {
		case kind == "?" && !set:
			return "", fmt.Errorf("the variable %s is not set: %s", m[2], m[4])
		case kind == "-" && !set, kind == "+" && set:
			value, err = l.fill(m[4])
		case kind == "+":
			value = ""
		}
		if out += value; err != nil {
			return "", err
		}
	}
}

// split makes words of a string as compose does, by a shell's rules for quotes.
func split(text string) ([]string, error) {
	words, word, inside, quote := []string{}, "", false, rune(0)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word += `\`
			}
			word, escaped = word+string(r), false
		case r == '\\' && quote != '\'':
			escaped, inside = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '"' || r == '\'':
			quote, inside = r, true
		case strings.ContainsRune(" \t\r\n", r):
			if inside {
				words, word, inside = append(words, word), "", false
			}
		default:
			word, inside = word+string(r), true
		}
	}
	if escaped || quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if inside {
		words = append(words, word)
	}
	return words, nil
}
