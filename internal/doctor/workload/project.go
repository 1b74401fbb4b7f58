package workload

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/yamlfile"
)

// composeFile is a file, with its variables filled in.
type composeFile struct {
	path     string
	vars     lookup
	others   map[string]*composeFile // that were read on the way, by their paths
	Name     text                    `yaml:"name"`
	Services yaml.Node               `yaml:"services"`
	Include  yaml.Node               `yaml:"include"`
}

func (f *composeFile) read(n *yaml.Node) error {
	if err := values(n, f.vars.interpolate); err != nil {
		return err
	}
	return n.Decode(f)
}

// longestChain is how many services may extend one another.
const longestChain = 50

// service reads a service on top of what it extends, which may lie in another file.
func (f *composeFile) service(name string, chain int) (s service, err error) {
	var at yaml.Node
	for i := 0; i+1 < len(f.Services.Content); i += 2 {
		if f.Services.Content[i].Value == name {
			at = *f.Services.Content[i+1]
		}
	}
	var is struct {
		Extends extends `yaml:"extends"`
	}
	if err := at.Decode(&is); err != nil {
		return s, err
	}
	base, from := f, is.Extends.File
	switch {
	case at.Kind == 0:
		return s, fmt.Errorf("%s has no service %s", f.path, name)
	case chain > longestChain:
		return s, fmt.Errorf("line %d: the service %s extends itself, by way of others", at.Line, name)
	case from != "":
		if !filepath.IsAbs(from) {
			from = filepath.Join(filepath.Dir(f.path), from)
		}
		if base, err = f.other(from); err != nil {
			return s, err
		}
	}
	if is.Extends.Service != "" {
		if s, err = base.service(is.Extends.Service, chain+1); err != nil {
			return s, err
		}
	}
	return s, at.Decode(&s)
}

// extends names another service, in a file of its own where it says so.
type extends struct {
	File    string `yaml:"file"`
	Service string `yaml:"service"`
}

// UnmarshalYAML is yaml's.
func (e *extends) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		e.Service = n.Value
		return nil
	}
	type plain extends
	return n.Decode((*plain)(e))
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
		at := path.Clean("/" + m.Target)
		if one.Start.Mounts[at] = m.Type == "tmpfs"; m.Type == "volume" { // a new one of the engine's takes over what the image has there
			delete(one.Start.Mounts, at)
		}
	}
	for _, t := range s.Tmpfs {
		t, _, _ = strings.Cut(t, ":")
		one.Start.Mounts[path.Clean("/"+t)] = true
	}
	if s.EnvFile.Kind != 0 {
		one.Notes = append(one.Notes, "env_file is not read; it may set PATH, too")
	}
	for _, entry := range s.Environment {
		if value, set := vars(entry); set { // one that is not set takes the image's away
			entry += "=" + value
		}
		one.Start.Env = append(one.Start.Env, entry)
	}
	return one
}

// other is a further file, which is read once.
func (f *composeFile) other(path string) (*composeFile, error) {
	if known := f.others[path]; known != nil {
		return known, nil
	}
	documents, err := yamlfile.Documents(path)
	if err != nil || len(documents) != 1 {
		return nil, cmp.Or(err, fmt.Errorf("%s is no compose file", path))
	}
	it := &composeFile{path: path, vars: f.vars, others: f.others}
	if err := it.read(documents[0]); err != nil {
		return nil, yamlfile.At(path, err)
	}
	f.others[path] = it
	return it, nil
}
