package workload

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/mattn/go-shellwords"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
)

// service is what is read of a compose file's service.
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
	Tmpfs       words     `yaml:"tmpfs"`
	Extends     yaml.Node `yaml:"extends"`
}

// words is a list, or a string that compose makes that list of; nil where it is not there.
type words []string

// UnmarshalYAML is yaml's.
func (w *words) UnmarshalYAML(n *yaml.Node) error {
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

// entries are NAME=VALUE, or NAME alone where the value is the caller's; in the file a list, or a map.
type entries []string

// UnmarshalYAML is yaml's.
func (e *entries) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return n.Decode((*texts)(e))
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

// mount is a volume of a service, in its short or long form.
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

func compose(file string, n *yaml.Node, environment lookup) (all []Container, err error) {
	vars, err := dotEnv(filepath.Join(filepath.Dir(file), ".env"), environment)
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
	if err := values(n, counted.interpolate); err != nil {
		return nil, err
	}
	if left < 0 {
		return nil, fmt.Errorf("its variables become more than %d bytes", mostFilled)
	}
	var project struct {
		Name     text      `yaml:"name"`
		Services yaml.Node `yaml:"services"`
		Include  yaml.Node `yaml:"include"`
	}
	if err := n.Decode(&project); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	called, _ := vars("COMPOSE_PROJECT_NAME")
	called = cmp.Or(called, string(project.Name), filepath.Base(dir))
	for i := 0; i+1 < len(project.Services.Content); i += 2 {
		name, at := project.Services.Content[i].Value, project.Services.Content[i+1]
		var s service
		if err := at.Decode(&s); err != nil {
			return nil, err
		}
		if s.Image == "" && s.Build.Kind == 0 && s.Extends.Kind == 0 {
			return nil, fmt.Errorf("line %d: the service %s has neither image nor build", at.Line, name)
		}
		all = append(all, s.container(called, name, vars))
	}
	if project.Include.Kind != 0 && len(all) > 0 {
		all[0].Notes = append(all[0].Notes, "the services of the files that are included are not looked at")
	}
	return all, nil
}

// lookup gives a variable's value.
type lookup func(string) (string, bool)

// dotEnv adds to an environment what the file .env beside a compose file says.
func dotEnv(file string, environment lookup) (lookup, error) {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return environment, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	values, err := dotenv.UnmarshalBytesWithLookup(text, dotenv.LookupFn(environment))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return func(name string) (string, bool) {
		if value, ok := environment(name); ok {
			return value, true
		}
		value, ok := values[name]
		return value, ok
	}, nil
}

// interpolate fills in the variables of a value.
func (l lookup) interpolate(n *yaml.Node) error {
	if !strings.Contains(n.Value, "$") {
		return nil
	}
	if len(n.Value) > mostLine {
		return fmt.Errorf("line %d: a text with variables has %d bytes", n.Line, len(n.Value))
	}
	value, err := template.SubstituteWithOptions(n.Value, template.Mapping(l), template.WithoutLogging)
	var wrong *template.InvalidTemplateError
	if errors.As(err, &wrong) {
		err = fmt.Errorf("%q: a dollar begins a variable; write $$ for the dollar itself", n.Value)
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	n.Value, n.Tag = value, "!!str"
	return nil
}

// notInName is what of a project's name may not be in an image's.
var notInName = regexp.MustCompile(`^[^a-z0-9]+|[^a-z0-9_-]`)

func (s service) container(project, name string, vars lookup) Container {
	one := Container{Name: name, Owner: "service/" + name, Image: string(s.Image), Platform: string(s.Platform)}
	if one.Image == "" {
		one.Image = notInName.ReplaceAllString(strings.ToLower(project), "") + "-" + name
	}
	one.Start = doctor.Start{User: string(s.User), Workdir: string(s.WorkingDir), Args: s.Command, Init: bool(s.Init),
		Privileged: bool(s.Privileged), CapAdd: s.CapAdd, CapDrop: s.CapDrop, Mounts: map[string]bool{}, Called: fromService}
	if s.Entrypoint != nil {
		one.Start.Entrypoint = (*[]string)(&s.Entrypoint)
	}
	for _, group := range s.GroupAdd { // a name is the image's affair
		if n, err := strconv.Atoi(fmt.Sprint(group)); err == nil {
			one.Start.Groups = append(one.Start.Groups, n)
		}
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
	for _, entry := range s.Environment {
		if !strings.Contains(entry, "=") {
			value, set := vars(entry)
			if !set {
				continue
			}
			entry += "=" + value
		}
		one.Start.Env = append(one.Start.Env, entry)
	}
	return one
}
