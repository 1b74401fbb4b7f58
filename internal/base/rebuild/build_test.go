package rebuild

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/engine"
)

// Where no command of the recipe ran, what was printed before says nothing: the
// builder's last words do.
func TestAFailedRebuildGivesTheWordsThatTell(t *testing.T) {
	const seccomp = "seccomp: config provided but seccomp not supported"
	for want, err := range map[string]error{
		"RUN a: " + seccomp: &engine.BuildError{Instruction: "RUN a", Output: " ---> Running in 0123456789ab", Message: seccomp},
		"RUN a: bad":        &engine.BuildError{Instruction: "RUN a", Output: "bad", Message: "returned a non-zero code: 2", ExitCode: 2},
		"RUN b: silent":     &engine.BuildError{Message: "silent", ExitCode: 2},
		"RUN b: gone":       errors.New("gone"),
	} {
		assert.Equal(t, want, why(err, "RUN b"))
	}
}
