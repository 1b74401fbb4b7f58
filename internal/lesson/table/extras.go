package table

// Extras is what is expected beside the echo in the lessons after the article.
type Extras struct {
	Keeps       string   `yaml:"keeps" json:"keeps,omitempty"`               // the instruction that a changed line in main.go does not repeat
	Saves       Size     `yaml:"saves" json:"saves,omitempty"`               // by how much Binary is smaller than that of the step it changes
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
