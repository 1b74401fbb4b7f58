package repo

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

const module = "optimizing-dockerfile/"

// mayImport is who may import whom: a folder of packages, and what each package in it
// may import of ours beside its own folder. What is imported imports nothing back.
var mayImport = map[string][]string{
	"internal/program":    {},
	"internal/atomicfile": {},
	"internal/screen":     {},
	"internal/yamlfile":   {},
	"internal/dockerfile": {},
	"internal/engine":     {"internal/program", "internal/screen", "internal/doctor/image"},
	"internal/base": {"internal/program", "internal/atomicfile", "internal/screen", "internal/yamlfile", "internal/engine",
		"internal/doctor/image"},
	"internal/doctor": {"internal/screen", "internal/yamlfile"},
	"internal/lesson": {"internal/dockerfile", "internal/program", "internal/atomicfile", "internal/screen", "internal/yamlfile",
		"internal/engine", "internal/base", "internal/doctor"},
	"internal/classroom": {"internal/dockerfile", "internal/program", "internal/atomicfile", "internal/screen", "internal/yamlfile",
		"internal/engine", "internal/base", "internal/doctor", "internal/lesson"},
	"scripts": {"internal"},
	"test":    {"internal"},
}

// The wings of the house know those that they stand on, and no other; nothing that is
// shipped knows a test.
func TestWhoMayImportWhom(t *testing.T) {
	found, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedImports, Dir: "../.."}, "./...")
	require.NoError(t, err)
	require.Greater(t, len(found), 25)
	for _, p := range found {
		from := strings.TrimPrefix(p.PkgPath, module)
		wing := ""
		for folder := range mayImport {
			if below(from, folder) {
				wing = folder
			}
		}
		if !assert.NotEmpty(t, wing, "%s is in no wing", from) {
			continue
		}
		for path := range p.Imports {
			to, ours := strings.CutPrefix(path, module)
			if !ours || below(to, wing) {
				continue
			}
			allowed := slices.ContainsFunc(mayImport[wing], func(folder string) bool { return below(to, folder) })
			assert.True(t, allowed, "%s imports %s", from, to)
		}
	}
}

func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
