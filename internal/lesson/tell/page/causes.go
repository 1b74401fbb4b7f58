package page

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/yamlfile"
)

// Looks are what runtimes printed when an image of each cause was really started: `make looks` writes them.
type Looks struct {
	Runtimes []Runtime `yaml:"runtimes"`
	Images   []Shown   `yaml:"images"`
	Pods     []Shown   `yaml:"pods"` // the steps on Kubernetes
	Quoted   []Quoted  `yaml:"-"`    // what others print by their source, of a file of its own
}

// Kubelet is the id of Kubernetes' node agent among the runtimes.
const Kubelet = "kubelet"

// Runtime is one that images were started on.
type Runtime struct {
	ID   string `yaml:"id"`
	What string `yaml:"what"` // with all versions
}

// Shown is how one image ended on each runtime.
type Shown struct {
	Cause doctor.Cause    `yaml:"cause,omitempty"`
	Image string          `yaml:"image"` // what it is
	Name  string          `yaml:"name"`  // the corpus's, or the step's
	Seen  map[string]Look `yaml:"seen"`  // by the runtime's id
}

// Look is how it showed. Of a pod, Status is what `kubectl get pods` shows, and Reason that
// of the container's end.
type Look struct {
	Status string `yaml:"status,omitempty"`
	Reason string `yaml:"reason,omitempty"`
	Exit   *int   `yaml:"exit,omitempty"`
	Says   string `yaml:"says,omitempty"` // the engine, or the kubelet
	Log    string `yaml:"log,omitempty"`
	None   string `yaml:"none,omitempty"` // why there is nothing to see
}

// Quoted is a wording that no runtime here has printed.
type Quoted struct {
	Runtime string         `yaml:"runtime"`
	Source  string         `yaml:"source"`
	Says    string         `yaml:"says"`
	Causes  []doctor.Cause `yaml:"causes"`
}

// ReadLooks reads those of the repo at root.
func ReadLooks(root string) (looks Looks, err error) {
	dir := filepath.Join(root, "docs", "causes")
	err = errors.Join(yamlfile.Read(filepath.Join(dir, "looks.yaml"), &looks), yamlfile.Read(filepath.Join(dir, "quoted.yaml"), &looks.Quoted))
	return looks, err
}

// Markdown is what a cause's page says of it.
func (from source) Markdown() (string, error) {
	looks, err := part("looks", from)
	return from.Cause.Row().Markdown(looks), err
}

// Quoted are the wordings of a cause that no runtime here has printed.
func (from source) Quoted() []Quoted {
	return slices.DeleteFunc(slices.Clone(from.Looks.Quoted), func(q Quoted) bool { return !slices.Contains(q.Causes, from.Cause) })
}

// Images are those that show a cause.
func (from source) Images() []Shown {
	all := slices.Concat(from.Looks.Images, from.Looks.Pods)
	return slices.DeleteFunc(all, func(s Shown) bool { return s.Cause != from.Cause })
}

// seenWith is a row of a table: runtimes that printed the same.
type seenWith struct{ With, Row string }

// Rows are those of an image.
func (from source) Rows(shown Shown) (rows []seenWith) {
	for _, r := range from.Looks.Runtimes {
		look, seen := shown.Seen[r.ID]
		i := slices.IndexFunc(rows, func(other seenWith) bool { return other.Row == look.Row() })
		switch {
		case !seen:
		case i >= 0:
			rows[i].With += "<br>" + r.What
		default:
			rows = append(rows, seenWith{r.What, look.Row()})
		}
	}
	return rows
}

// Row is it in two cells.
func (l Look) Row() string {
	var parts []string
	told := func(label, text string) {
		if text != "" {
			parts = append(parts, label+code(text))
		}
	}
	told("status ", l.Status)
	if l.Reason != "" {
		parts[0] += ", reason " + code(l.Reason)
	}
	told("", l.Says)
	told("in its log: ", l.Log)
	if l.None != "" {
		parts = append(parts, l.None)
	}
	exit := ""
	if l.Exit != nil {
		exit = fmt.Sprint(*l.Exit)
	}
	return strings.Join(parts, "<br>") + " | " + exit
}

// code shows what was printed in a cell of a table.
func code(text string) string {
	text = strings.ReplaceAll(text, "|", "\\|")
	fence := "`"
	if strings.Contains(text, "`") {
		fence = "``"
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "`") || strings.HasSuffix(line, "`") {
			line = " " + line + " "
		}
		lines[i] = fence + line + fence
	}
	return strings.Join(lines, "<br>")
}
