package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"optimizing-dockerfile/scripts/internal/enginetest"
)

// noNetwork asks for a base that is not here where there is no network at all: the
// program and its daemon are in a namespace with nothing but themselves.
func noNetwork(t *testing.T, g guest) {
	g.cache = t.TempDir()
	began := time.Now()
	command := g.program(t, "run", "2", "--base", "today-alpine")
	out, _ := command.CombinedOutput()
	assert.Equal(t, exitEnvironment, command.ProcessState.ExitCode(), "%s", out)
	for _, says := range []string{"golang:1.27-alpine cannot be had here", "pull:", "rebuild:", "Ways out", "connect this machine"} {
		assert.Contains(t, string(out), says)
	}
	assert.Contains(t, g.run(t, "run", "2"), "FAILS, as in the article", "what is here needs none")
	t.Logf("%s", out)
	enginetest.Fault(t, "no network", "1 run without the base: status %d after %d s; 1 with it: as expected", command.ProcessState.ExitCode(), int(time.Since(began).Seconds()))
}
