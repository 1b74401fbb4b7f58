package workload

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lookup gives a variable's value.
type lookup func(string) (string, bool)

// assignment is NAME=VALUE in a file .env: in single quotes, in double ones, or without.
var assignment = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*` +
	`(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|(.*?))[ \t]*(?: #.*)?\r?$`)

// dotEnv adds to an environment what the file .env beside a compose file says.
func dotEnv(file string, environment lookup) (lookup, error) {
	values := map[string]string{}
	both := func(name string) (string, bool) {
		if value, ok := environment(name); ok {
			return value, true
		}
		value, ok := values[name]
		return value, ok
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return both, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	unescape := strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n", `\$`, "$$")
	for _, m := range assignment.FindAllStringSubmatch(string(text), -1) {
		value, err := lookup(both).fill(unescape.Replace(m[3]) + m[4])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		values[m[1]] = m[2] + value
	}
	return both, nil
}

// interpolate fills in the variables of a value.
func (l lookup) interpolate(n *yaml.Node) error {
	if !strings.Contains(n.Value, "$") {
		return nil
	}
	value, err := l.fill(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	n.Value, n.Tag = value, "!!str"
	return nil
}

var variable = regexp.MustCompile(`^(?:\$|([A-Za-z_]\w*)|\{(?:([A-Za-z_]\w*)(\}|:?[-?+]))?)`)

// fill fills in $NAME, ${NAME}, ${NAME:-otherwise}, ${NAME:?complaint} and ${NAME:+instead}; $$ is a dollar, and so is one
// before anything else.
func (l lookup) fill(text string) (string, error) {
	out := ""
	for {
		before, after, found := strings.Cut(text, "$")
		if out += before; !found {
			return out, nil
		}
		m := variable.FindStringSubmatch(after)
		if m == nil || m[0] == "$" {
			out, text = out+"$", strings.TrimPrefix(after, "$")
			continue
		}
		name, kind, word, closed := m[1]+m[2], m[3], "", true
		if text = after[len(m[0]):]; m[1] == "" && kind != "}" {
			word, text, closed = braced(text)
		}
		if name == "" || !closed {
			return "", fmt.Errorf("%q: a dollar and a brace begin a variable; write $$ for the dollar itself", "$"+after)
		}
		value, set := l(name)
		if strings.HasPrefix(kind, ":") {
			set = set && value != ""
		}
		var err error
		switch kind = strings.TrimPrefix(kind, ":"); {
		case kind == "?" && !set:
			return "", fmt.Errorf("the variable %s is not set: %s", name, word)
		case kind == "-" && !set, kind == "+" && set:
			value, err = l.fill(word)
		case kind == "+":
			value = ""
		}
		if out += value; err != nil {
			return "", err
		}
	}
}

// braced cuts a text at the brace that closes the one before it.
func braced(text string) (inside, rest string, closed bool) {
	depth := 1
	for i, r := range text {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}
