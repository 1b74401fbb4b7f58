package run

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/engine"
)

// Why a build failed is told from what Go itself says; the words are those that were seen.
func TestTheCauseOfAFailedBuild(t *testing.T) {
	for output, cause := range map[string]string{
		"go: go.mod requires go >= 1.99 (running go 1.27.4; GOTOOLCHAIN=local)":                       ToolchainTooOld,
		"go: errors parsing go.mod:\n":                                                                BuildFailed,
		"# echo\n./main.go:9:6: syntax error: unexpected [\nnote: module requires Go 1.18":            ToolchainTooOld,
		"# echo\n./main.go:9:6: undefined: nonsense":                                                  CompileError,
		"error obtaining VCS status: exit status 128\n\tUse -buildvcs=false to disable VCS stamping.": VCSStatus,
		"go: example.org/m@v1.0.0 requires go >= 1.26 (running go 1.25.0; GOTOOLCHAIN=local)":         ToolchainTooOld,
		"the program printed: go.mod requires go >= 1.99 (running go 1.27.4)":                         BuildFailed,
	} {
		assert.Equal(t, cause, causeOf(&engine.BuildError{Instruction: "RUN go build -o echo .", ExitCode: 1, Output: output}), output)
	}
}
