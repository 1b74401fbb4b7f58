package table

import (
	"encoding/json"
	"fmt"

	"github.com/docker/go-units"
	"go.yaml.in/yaml/v3"

	"optimizing-dockerfile/internal/screen"
)

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
func (p *PerArch) UnmarshalYAML(node *yaml.Node) error { return p.read(node.Decode) }

// UnmarshalJSON reads what MarshalJSON writes.
func (p *PerArch) UnmarshalJSON(text []byte) error {
	return p.read(func(into any) error { return json.Unmarshal(text, into) })
}

func (p *PerArch) read(decode func(any) error) error {
	var word string
	if decode(&word) == nil {
		*p = PerArch{"": word}
		return nil
	}
	return decode((*map[string]string)(p))
}

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
