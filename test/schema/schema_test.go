// Package schema holds what the tool reads and writes in other people's formats against their own libraries.
package schema

import (
	"encoding/json"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // carries OASIS' schema
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xeipuuv/gojsonschema"

	"optimizing-dockerfile/internal/classroom/check"
	"optimizing-dockerfile/internal/doctor/workload"
)

// variables are where compose is called.
var variables = []string{"H=h", "E=", "F=from here"}

// agree reads made-up documents by both, and compares. One that theirs refuses, ours refuses, too.
func agree(t *testing.T, documents int, document func(*maker) string, theirs func(file string) ([]workload.Container, error)) {
	file := filepath.Join(t.TempDir(), "project", "compose.yaml")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o755))
	read := 0
	for seed := range documents {
		text := "# made up\n" + document(&maker{rand.New(rand.NewPCG(22, uint64(seed)))})
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		want, wrong := theirs(file)
		if wrong == nil && len(want) == 0 {
			continue
		}
		got, err := workload.Read(file, func(name string) (string, bool) {
			value, ok := entries(variables)[name]
			return value, ok
		})
		if wrong != nil {
			require.Error(t, err, "%s\n%v", text, wrong)
			continue
		}
		require.NoError(t, err, text)
		require.Len(t, got, len(want), text)
		for i, c := range got {
			require.Equal(t, entries(want[i].Options.Env), entries(c.Options.Env), text)
			want[i].Owner, want[i].Notes = c.Owner, c.Notes
			want[i].Options.Env, want[i].Options.Open, want[i].Options.Called = c.Options.Env, c.Options.Open, c.Options.Called
			require.Equal(t, bare(want[i]), bare(c), text)
		}
		read++
	}
	t.Log(read, "of", documents, "documents are valid")
	assert.Greater(t, read, documents/4)
	assert.Less(t, read, documents)
}

// bare is a container whose lists are never nil, where that means the same, and name nothing twice.
func bare(c workload.Container) workload.Container {
	c.Options.Args = append([]string{}, c.Options.Args...)
	for _, words := range []*[]string{&c.Options.CapAdd, &c.Options.CapDrop} {
		*words = slices.Compact(slices.Sorted(slices.Values(*words)))
	}
	return c
}

// entries are those of NAME=VALUE.
func entries(list []string) map[string]string {
	all := map[string]string{}
	for _, entry := range list {
		name, value, set := strings.Cut(entry, "=")
		if all[name] = value; !set {
			delete(all, name)
		}
	}
	return all
}

func list[T ~string](words []T) (all []string) {
	for _, w := range words {
		all = append(all, string(w))
	}
	return all
}

// maker makes documents up, in YAML's flow style.
type maker struct{ *rand.Rand }

func (m *maker) one(of ...string) string { return of[m.IntN(len(of))] }

// some joins a few of them.
func (m *maker) some(most int, of func() string) string {
	var all []string
	for range m.IntN(most + 1) {
		all = append(all, of())
	}
	return strings.Join(all, ", ")
}

// fields gives a map with what is always in it, and a third of what may be, which is name and value by turns.
func (m *maker) fields(always string, all ...string) string {
	for i := 0; i < len(all); i += 2 {
		if m.IntN(3) == 0 {
			always += ", " + all[i] + ": " + all[i+1]
		}
	}
	return "{" + strings.TrimPrefix(always, ", ") + "}"
}

// What check writes as SARIF is what OASIS' own schema asks for.
func TestSARIF(t *testing.T) {
	at, err := build.Import("github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif", ".", build.FindOnly)
	require.NoError(t, err)
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(at.Dir, "schema.go"), nil, 0)
	require.NoError(t, err)
	literal := file.Decls[0].(*ast.GenDecl).Specs[0].(*ast.ValueSpec).Values[0].(*ast.BasicLit) // the library does not export it
	text, err := strconv.Unquote(literal.Value)
	require.NoError(t, err)
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	require.NoError(t, err)
	yes, no := true, false
	for _, r := range []*check.Report{{}, {Reason: "no engine"}, {File: "a b/Docker:file", Goals: []check.Goal{
		{ID: check.Builds, Met: &yes}, {ID: check.Starts, Met: &no, Proof: "no", Line: 3}, {ID: check.Small, Met: &no, Proof: "a\nb",
			Hint: "c"},
		{ID: check.Answers, Proof: "not judged"}}}} {
		log, err := json.Marshal(check.SARIF(r))
		require.NoError(t, err)
		result, err := schema.Validate(gojsonschema.NewBytesLoader(log))
		require.NoError(t, err)
		assert.Empty(t, result.Errors(), string(log))
		result, err = schema.Validate(gojsonschema.NewStringLoader(strings.Replace(string(log), `"name"`, `"called"`, 1)))
		require.NoError(t, err)
		assert.NotEmpty(t, result.Errors(), "it refuses what is wrong")
	}
}
