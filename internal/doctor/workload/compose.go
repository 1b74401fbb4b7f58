package workload

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/yamlfile"
)

// lookup gives a variable's value.
type lookup func(string) (string, bool)

// composeFile is a file, with its variables filled in.
type composeFile struct {
	path     string
	vars     lookup
	others   map[string]*composeFile // that were read on the way, by their paths
	Name     text                    `yaml:"name"`
	Services yaml.Node               `yaml:"services"`
	Include  yaml.Node               `yaml:"include"`
}

func compose(path string, n *yaml.Node, environment lookup) (all []Container, err error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	vars, err := dotEnv(filepath.Join(dir, ".env"), environment)
	if err != nil {
		return nil, err
	}
	left := mostFilled
	file := &composeFile{path: path, others: map[string]*composeFile{}, vars: func(name string) (string, bool) {
		value, set := vars(name)
		if left -= len(value); left < 0 {
			value = ""
		}
		return value, set
	}}
	if err := file.read(n); err != nil {
		return nil, err
	}
	called, _ := vars("COMPOSE_PROJECT_NAME")
	called = cmp.Or(called, string(file.Name), filepath.Base(dir))
	for at := range slices.Chunk(file.Services.Content, 2) {
		name := at[0].Value
		s, err := file.service(name, 0)
		switch {
		case left < 0:
			return nil, fmt.Errorf("its variables become more than %d bytes", mostFilled)
		case err != nil:
			return nil, err
		case s.Image == "" && s.Build.Kind == 0:
			return nil, fmt.Errorf("line %d: the service %s has neither image nor build", at[0].Line, name)
		}
		all = append(all, s.container(called, name, vars))
	}
	if file.Include.Kind != 0 && len(all) > 0 {
		all[0].Notes = append(all[0].Notes, "the services of the files that are included are not looked at")
	}
	return all, nil
}

// dotEnv adds to an environment what the file .env beside a compose file says.
func dotEnv(file string, environment lookup) (lookup, error) {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return environment, nil
	}
	values, err := dotenv.ReadFile(file, dotenv.LookupFn(environment))
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

func (f *composeFile) read(n *yaml.Node) error {
	err := values(n, f.vars.interpolate)
	if err == nil {
		err = n.Decode(f)
	}
	if err == nil && f.Services.Kind != yaml.MappingNode {
		err = errors.New("it has no services")
	}
	return err
}

// other is a further file, which is read once.
func (f *composeFile) other(path string) (*composeFile, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(f.path), path)
	}
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

// longestChain is how many services may extend one another.
const longestChain = 50

// service reads a service on top of what it extends, which may lie in another file.
func (f *composeFile) service(name string, chain int) (s service, err error) {
	var at *yaml.Node
	for service := range slices.Chunk(f.Services.Content, 2) {
		if service[0].Value == name {
			at = service[1]
		}
	}
	if at == nil {
		return s, fmt.Errorf("%s has no service %s", f.path, name)
	}
	if chain > longestChain {
		return s, fmt.Errorf("line %d: the service %s extends itself, by way of others", at.Line, name)
	}
	var is struct {
		Extends extends `yaml:"extends"`
	}
	if err := at.Decode(&is); err != nil {
		return s, err
	}
	if base := f; is.Extends.Service != "" {
		if is.Extends.File != "" {
			base, err = f.other(is.Extends.File)
		}
		if err == nil {
			s, err = base.service(is.Extends.Service, chain+1)
		}
		if err != nil {
			return s, err
		}
	}
	volumes := s.Volumes
	err = at.Decode(&s)
	s.Volumes = append(volumes, s.Volumes...)
	return s, err
}

// extends names another service, in a file of its own where it says so.
type extends struct {
	File    string `yaml:"file"`
	Service string `yaml:"service"`
}

func (e *extends) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		e.Service = n.Value
		return nil
	}
	type plain extends
	return n.Decode((*plain)(e))
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
