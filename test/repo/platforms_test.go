package repo

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

// The tool, and its tests, are right in their types on the systems that the tests
// do not run on. That takes seconds, where compiling for them takes minutes.
func TestItIsForWindowsAndMacOSToo(t *testing.T) {
	for _, system := range []string{"windows", "darwin"} {
		found, err := packages.Load(&packages.Config{
			Mode: packages.LoadAllSyntax, Tests: true, Env: append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
		}, "../../...")
		require.NoError(t, err)
		assert.Greater(t, len(found), 20)
		packages.Visit(found, nil, func(p *packages.Package) {
			assert.Empty(t, p.Errors, "%s on %s", p.PkgPath, system)
		})
	}
}
