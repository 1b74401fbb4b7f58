package run

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/table"
)

// A long folder, and a long base, still make names that docker takes, each its own.
func TestEveryTryHasATagOfItsOwn(t *testing.T) {
	long, seen := "01-"+strings.Repeat("a", 200), map[string]bool{}
	for _, step := range []string{"01-a", long + "1", long + "2"} {
		for _, base := range []string{"article", strings.Repeat("registry.example/", 9) + "x:1", strings.Repeat("registry.example/", 9) + "x:2"} {
			for _, dir := range []string{"steps/" + step, "/elsewhere/" + step} {
				for _, dockerfile := range []string{"Dockerfile", "Dockerfile.first-try"} {
					_, tag, _ := strings.Cut((&Trial{Base: base}).Tag(table.Step{Name: step, Dir: dir}, dockerfile), ":")
					assert.Equal(t, engine.Tag(tag), tag, "docker takes it")
					seen[tag] = true
				}
			}
		}
	}
	assert.Len(t, seen, 3*3*2*2)
}

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
