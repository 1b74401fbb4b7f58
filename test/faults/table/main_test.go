package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A row has held only if its own test passed; no row at all is no proof of anything.
func TestTable(t *testing.T) {
	const (
		noted  = `{"Action":"output","Package":"p","Test":"TestFaultA","Output":"    a_test.go:1: FAULT\tthe engine killed\t9 runs, 0 left\t3\tno engine\n"}` + "\n"
		passed = `{"Action":"pass","Package":"p","Test":"TestFaultA"}` + "\n"
		failed = `{"Action":"fail","Package":"p","Test":"TestFaultA"}` + "\n"
		other  = `{"Action":"fail","Package":"q","Test":"TestFaultB"}` + "\n"
	)
	for name, c := range map[string]struct {
		in    string
		held  bool
		shows string
	}{
		"held":                    {noted + passed, true, "yes   the engine killed  9 runs, 0 left  3       no engine"},
		"its test failed":         {noted + failed, false, "NO    the engine killed"},
		"its test never ended":    {noted, false, "NO    the engine killed"},
		"a test without row fell": {noted + passed + other, false, "failed: q TestFaultB"},
		"nothing was tried":       {"", false, "BROKEN"},
	} {
		var out strings.Builder
		held, err := table(strings.NewReader(c.in), &out)
		require.NoError(t, err, name)
		assert.Equal(t, c.held, held, name)
		assert.Contains(t, out.String(), c.shows, name)
	}
	_, err := table(strings.NewReader("go: no such tool"), &strings.Builder{})
	assert.ErrorContains(t, err, "go test -json")
}
