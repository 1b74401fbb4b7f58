// Package table reads steps.yaml: the steps, and what must come of each.
package table

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/screen"
	"optimizing-dockerfile/internal/yamlfile"
)

// Table is the name of the file in a folder of steps that tells what is expected of them.
const Table = "steps.yaml"

// Binary is where every Dockerfile that starts from scratch puts the program.
const Binary = "/echo"

// Finished is the Dockerfile of an image to judge: the main one puts its program into scratch.
const Finished = "Dockerfile.finished"

// Step is one folder of the lesson.
type Step struct {
	Name        string `yaml:"step"` // the folder's, such as 03-exec-form
	Title       string `yaml:"title"`
	Change      string `yaml:"change"` // one sentence: what its Dockerfile changes
	Ask         string `yaml:"ask"`    // what to ask before it runs
	Why         string `yaml:"why"`    // two sentences: why it ends as it does
	Hints       Hints  `yaml:"hints"`
	Article     string `yaml:"article"`
	ArticleSize Size   `yaml:"article_size"` // of the image, where the article shows one; else 0
	Tries       []Try  `yaml:"tries"`

	Claim   string `yaml:"claim"`   // of a demonstration: what the room says
	Against string `yaml:"against"` // the step that it changes; "" the one before it
	Context string `yaml:"context"` // the folder that it is built from, seen from the table's; "" its own

	// On says what another kind of base than the article's makes of the step.
	On map[Trait]Difference `yaml:"on"`

	Dir string `yaml:"-"` // the folder's path
}

// Hints are for who has to guess, by what is to be guessed: where to look, not
// what is there. "" where there is nothing to say of this step alone.
type Hints struct {
	Builds string `yaml:"builds"`
	Starts string `yaml:"starts"`
	User   string `yaml:"user"`
	Size   string `yaml:"size"`
}

// Try is one Dockerfile of a step.
type Try struct {
	Dockerfile string      `yaml:"dockerfile"`
	Note       string      `yaml:"note"`  // what no error shows of it
	Needs      string      `yaml:"needs"` // a builder that it takes; "" any
	Args       []string    `yaml:"args"`  // further build arguments, each NAME=VALUE
	Expect     Expectation `yaml:"expect"`
}

// LeftOut says why a try is not made with a builder; "" where it is.
func (t Try) LeftOut(builder string) string {
	if t.Needs == "" || t.Needs == builder {
		return ""
	}
	return fmt.Sprintf("it needs %s, and the builder here is %s", t.Needs, builder)
}

// Expectation is what must come of a try. A field left out is not held against it.
type Expectation struct {
	Outcome      string       `yaml:"outcome" json:"outcome"`                         // Runs or Fails
	Phase        doctor.Phase `yaml:"phase" json:"phase,omitempty"`                   // how far it gets: build, start, exec, serve
	Cause        doctor.Cause `yaml:"cause" json:"cause,omitempty"`                   // of a failure
	Missing      PerArch      `yaml:"missing" json:"missing,omitempty"`               // what is asked for and not there
	User         string       `yaml:"user" json:"user,omitempty"`                     // uid:gid
	Overhead     *Size        `yaml:"overhead" json:"overhead,omitempty"`             // the most bytes beside Binary
	SameLayersAs string       `yaml:"same_layers_as" json:"same_layers_as,omitempty"` // a step
	Log          string       `yaml:"log" json:"log,omitempty"`                       // before the first request

	// In the lessons after the article, beside the echo.
	Keeps       string   `yaml:"keeps" json:"keeps,omitempty"`               // the instruction that a change in main.go does not repeat
	Saves       Size     `yaml:"saves" json:"saves,omitempty"`               // by how much Binary is smaller than before
	NumericUser *bool    `yaml:"numeric_user" json:"numeric_user,omitempty"` // USER is a number
	Health      string   `yaml:"health" json:"health,omitempty"`             // what the engine says of HEALTHCHECK
	Machines    []string `yaml:"machines" json:"machines,omitempty"`         // GOARCH, that images built for each start on
	Repeats     string   `yaml:"repeats" json:"repeats,omitempty"`           // Nothing; or Layers, and where the builder can, Digest
}

// What a second build of the same files has in common with the first.
const (
	Nothing = "nothing"
	Layers  = "layers"
	Digest  = "image" // the whole image, its config too
)

// The two outcomes.
const (
	Runs  = "runs"
	Fails = "fails"
)

// Phases, in the order in which a try goes through them.
const (
	Build doctor.Phase = "build"           // the image is made
	Start              = doctor.PhaseStart // the runtime makes the process
	Exec               = doctor.PhaseExec  // the process's own execve, and its loader
	Serve doctor.Phase = "serve"           // it runs, and must answer
)

// Load reads the table in the folder dir. An error names the file, and the line
// where there is one. earlier are the steps of other tables that it goes on from.
func Load(dir string, earlier ...Step) ([]Step, error) {
	known := map[string]bool{}
	for _, step := range earlier {
		known[step.Name] = true
	}
	return yamlfile.Table(filepath.Join(dir, Table), func(s *Step) (string, error) {
		s.Dir = filepath.Join(dir, s.Name)
		s.Context = filepath.Join(dir, cmp.Or(s.Context, s.Name))
		known[s.Name] = true
		err := s.check(known)
		if err != nil {
			err = fmt.Errorf("%s: %w", s.Name, err)
		}
		return s.Name, err
	})
}

var stepName = regexp.MustCompile(`^[0-9]{2}-[a-z0-9]+(-[a-z0-9]+)*$`)

// check finds what makes no sense; known are the names of the steps so far.
func (s *Step) check(known map[string]bool) error {
	switch {
	case !stepName.MatchString(s.Name):
		return errors.New("a step's name is two digits and words in small letters, such as 03-exec-form")
	case len(s.Tries) == 0:
		return errors.New("has no tries")
	case !slices.ContainsFunc(s.Tries, func(t Try) bool { return t.Needs == "" }): // nothing would be tried, and nothing be unexpected
		return errors.New("has no try that every builder can make")
	case s.Against != "" && !known[s.Against]:
		return fmt.Errorf("against names %q, which is no step before it", s.Against)
	}
	for trait, on := range s.On {
		if !slices.Contains(Traits, trait) {
			return fmt.Errorf("on: %q is none of %v", trait, Traits)
		}
		if on.Why == "" {
			return fmt.Errorf("on: %s: the reason is missing", trait)
		}
		if err := on.Expect.check(known); err != nil {
			return fmt.Errorf("on: %s: %w", trait, err)
		}
	}
	for _, try := range s.Tries {
		if try.Dockerfile == "" || filepath.Base(try.Dockerfile) != try.Dockerfile {
			return fmt.Errorf("%q is no name of a Dockerfile in the step's folder", try.Dockerfile)
		}
		if err := try.Expect.check(known); err != nil {
			return fmt.Errorf("%s: %w", try.Dockerfile, err)
		}
	}
	return nil
}

func (e Expectation) check(known map[string]bool) error {
	switch {
	case e.Outcome == Runs && (e.Cause != "" || e.Phase != "" && e.Phase != Serve):
		return errors.New("what runs has no cause, and its phase is serve")
	case e.Outcome == Fails && (e.Cause == "" || e.Phase == ""):
		return errors.New("a failure needs its phase and its cause")
	case e.Outcome != Runs && e.Outcome != Fails:
		return fmt.Errorf("outcome is %q, not runs or fails", e.Outcome)
	case e.SameLayersAs != "" && !known[e.SameLayersAs]:
		return fmt.Errorf("same_layers_as names %q, which is no step before it", e.SameLayersAs)
	}
	return nil
}

// Find returns the step that word names: 3, 03, exec-form or 03-exec-form.
func Find(steps []Step, word string) (Step, bool) {
	for _, step := range steps {
		_, name, _ := strings.Cut(step.Name, "-")
		if word == step.Name || word == name || strings.TrimLeft(word, "0") == step.Number() {
			return step, true
		}
	}
	return Step{}, false
}

// At is where the step of a name stands among others; -1 where it does not.
func At(steps []Step, name string) int {
	return slices.IndexFunc(steps, func(s Step) bool { return s.Name == name })
}

// Before gives the step that a step changes; ok is false for the first.
func Before(steps []Step, step Step) (before Step, ok bool) {
	i := At(steps, cmp.Or(step.Against, step.Name))
	if step.Against == "" {
		i--
	}
	if i < 0 {
		return Step{}, false
	}
	return steps[i], true
}

// Main is the Dockerfile that the story of a step is about, the last of its tries.
func (s Step) Main() Try { return s.Tries[len(s.Tries)-1] }

// Note is what the table says of one of a step's Dockerfiles beside its end.
func (s Step) Note(dockerfile string) string {
	for _, try := range s.Tries {
		if try.Dockerfile == dockerfile {
			return try.Note
		}
	}
	return ""
}

// Number is a step's, as people say it: 3.
func (s Step) Number() string { return numberOf(s.Name) }

func numberOf(name string) string {
	number, _, _ := strings.Cut(name, "-")
	return strings.TrimLeft(number, "0")
}

// Size is a number of bytes, written as the engines write it: 10.1MB is 10,100,000 bytes.
type Size int64

// UnmarshalYAML reads 1KB, 10.1MB or a plain number of bytes.
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	bytes, err := units.FromHumanSize(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is no size; write 1KB or 10.1MB", node.Line, node.Value)
	}
	*s = Size(bytes)
	return nil
}

// String gives three digits and a unit, as `docker images` does.
func (s Size) String() string { return screen.Size(int64(s)) }

// PerArch is a word that may differ by machine: GOARCH -> word. The key "" holds for every machine.
type PerArch map[string]string

// UnmarshalYAML reads one word, or a word for each machine.
func (p *PerArch) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*p = PerArch{"": node.Value}
		return nil
	}
	return node.Decode((*map[string]string)(p))
}

// UnmarshalJSON reads what MarshalJSON writes, which is YAML, too.
func (p *PerArch) UnmarshalJSON(text []byte) error { return yaml.Unmarshal(text, p) }

// MarshalJSON writes it as it is read: one word, or a word for each machine.
func (p PerArch) MarshalJSON() ([]byte, error) {
	if word, ok := p[""]; ok && len(p) == 1 {
		return json.Marshal(word)
	}
	return json.Marshal(map[string]string(p))
}

// On gives the word for a machine; "" where there is none.
func (p PerArch) On(arch string) string {
	if word, ok := p[arch]; ok {
		return word
	}
	return p[""]
}
