// Package e2e runs the tool on real engines.
package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/test/tool"
)

func TestMain(m *testing.M) { os.Exit(tool.Main(m)) }

// everyStep gives the article's steps and the lessons after it.
func everyStep(t *testing.T) []table.Step {
	steps, err := table.Load("../../steps")
	require.NoError(t, err)
	beyond, err := table.Load("../../beyond", steps...)
	require.NoError(t, err)
	return append(steps, beyond...)
}
