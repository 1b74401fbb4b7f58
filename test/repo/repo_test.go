package repo

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/go/packages"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell/page"
)

// everyStep gives the article's steps and the lessons after it.
func everyStep(t *testing.T) []table.Step {
	steps, err := table.Load("../../steps")
	require.NoError(t, err)
	beyond, err := table.Load("../../beyond", steps...)
	require.NoError(t, err)
	return append(steps, beyond...)
}

// `go test ./...` does not enter the steps, which are modules of their own: this does.
func TestTheAppPassesItsTestsInEveryStep(t *testing.T) {
	for _, step := range everyStep(t) {
		if step.Context != step.Dir {
			continue
		}
		t.Run(step.Name, func(t *testing.T) {
			test := exec.Command("go", "test", "./...")
			test.Dir = step.Dir
			test.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
			out, err := test.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), "ok  \techo")
		})
	}
}

// The texts say what the files and records say. The app is the same in every step, and in the workshop: only the
// Dockerfile tells the steps apart.
func TestTheGeneratedTextsAndTheCopiesAreFresh(t *testing.T) {
	texts, err := page.Make("../..")
	require.NoError(t, err)
	require.Greater(t, len(texts), 30+30)
	assert.Contains(t, texts, filepath.Join("../../steps/02-multistage/main.go"))
	assert.Contains(t, texts, filepath.Join("../../workshop/start/passwd"))
	var stale []string
	for path, want := range texts {
		if have, err := os.ReadFile(path); err != nil || string(have) != want {
			stale = append(stale, path)
		}
	}
	assert.Empty(t, stale, "make sync writes them anew")
}

// A carriage return would break a step on a clone made by Windows' Git.
func TestNoFileOfAStepHasACarriageReturn(t *testing.T) {
	files, err := filepath.Glob("../../steps/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.False(t, strings.Contains(string(text), "\r"), file)
	}
}

// The fault of the exercise about line ends is in its bytes: a checkout must not mend it.
func TestTheScriptWithCarriageReturnsHasThem(t *testing.T) {
	text, err := os.ReadFile("../../workshop/exercises/05-one-of-five/start.sh")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "#!/bin/sh\r\n"))
}

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

// What others could change under us is pinned, and a workflow may read and nothing else.
func TestTheWorkflowsArePinnedAndMayOnlyRead(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions any
				Steps       []struct {
					Uses, Run string
					With      map[string]any
				}
			}
		}
		require.NoError(t, yaml.Unmarshal(text, &workflow), file)
		assert.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions, file)
		for name, job := range workflow.Jobs {
			assert.Nil(t, job.Permissions, "%s: %s asks for more", file, name)
			for _, step := range job.Steps {
				assert.NotContains(t, step.Run, "${{", "%s: text of others in a shell's line", file)
				if step.Uses == "" {
					continue
				}
				assert.Regexp(t, pinned, step.Uses, file)
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], file)
				}
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)[^)\s]*\)`)

// A file that has moved takes the links to it along.
func TestTheLinksOfTheTextsLeadToFiles(t *testing.T) {
	tried := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" || strings.Contains(path, "internal") { // there lie templates
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "://") {
				tried++
				_, err := os.Stat(filepath.Join(filepath.Dir(path), m[1]))
				assert.NoError(t, err, path)
			}
		}
		return err
	}))
	assert.Greater(t, tried, 100)
}
