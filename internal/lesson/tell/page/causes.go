package page

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/yamlfile"
)

// Looks are what runtimes printed when an image of each cause was really started, and
// what others print by their source. `make looks` writes them.
type Looks struct {
	Runtimes []Runtime `yaml:"runtimes"`
	Images   []Shown   `yaml:"images"`
	Pods     []Shown   `yaml:"pods"` // the steps on Kubernetes
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

// ReadLooks reads those of the repo at root; none where nothing was seen yet.
func ReadLooks(root string) (looks Looks, err error) {
	_, err = yamlfile.Read(filepath.Join(root, "docs", "causes", "looks.yaml"), &looks)
	return looks, err
}

// ReadQuoted reads those of the repo at root.
func ReadQuoted(root string) (quotes []Quoted, err error) {
	_, err = yamlfile.Read(filepath.Join(root, "docs", "causes", "quoted.yaml"), &quotes)
	return quotes, err
}

// causePage is the page of a cause.
func (from source) causePage(c doctor.Cause) string {
	const text = "# %s\n\n<!-- generated: cause -->\n%s<!-- end -->\n\n[All causes](README.md)\n"
	return fmt.Sprintf(text, c, c.Markdown(from.Looks.of(c, from.Quoted)))
}

// Kubelet is the one that pods were seen on; an empty one where there is none.
func (l Looks) Kubelet() (r Runtime) {
	for _, r := range l.Runtimes {
		if r.ID == Kubelet && len(l.Pods) > 0 {
			return r
		}
	}
	return r
}

// of tells how a cause looks: a table an image, runtimes that printed the same in one row.
func (l Looks) of(c doctor.Cause, quotes []Quoted) string {
	var b strings.Builder
	for _, shown := range slices.Concat(l.Images, l.Pods) {
		if shown.Cause != c {
			continue
		}
		fmt.Fprintf(&b, "%s:\n\n| Seen with | What is printed | Exit status |\n|---|---|---|\n", shown.Image)
		var order []string
		by := map[string][]string{}
		for _, r := range l.Runtimes {
			if look, seen := shown.Seen[r.ID]; seen {
				row := look.Row()
				if by[row] == nil {
					order = append(order, row)
				}
				by[row] = append(by[row], r.What)
			}
		}
		for _, row := range order {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(by[row], "<br>"), row)
		}
		b.WriteString("\n")
	}
	first := true
	for _, q := range quotes {
		if !slices.Contains(q.Causes, c) {
			continue
		}
		if first {
			b.WriteString("Not run here, quoted:\n\n| Runtime | What is printed | Where that stands |\n|---|---|---|\n")
		}
		first = false
		fmt.Fprintf(&b, "| %s | %s | %s |\n", q.Runtime, code(q.Says), q.Source)
	}
	return b.String()
}

// Row is it in two cells.
func (l Look) Row() string {
	var parts []string
	if l.Status != "" {
		status := "status " + code(l.Status)
		if l.Reason != "" {
			status += ", reason " + code(l.Reason)
		}
		parts = append(parts, status)
	}
	for _, p := range [][2]string{{"", l.Says}, {"in its log: ", l.Log}} {
		if p[1] != "" {
			parts = append(parts, p[0]+code(p[1]))
		}
	}
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
