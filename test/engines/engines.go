// Package engines gives tests a container engine: the machine's, or one of
// their own, where what they do could disturb somebody.
//
// `go test ./...` needs none: it runs what needs no engine, and the six steps once on
// the engine that is there. ENGINES=all asks for the tests of every engine; an engine
// that is missing is then a failure. With -short, those that take many minutes are
// left out.
package engines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

// Wanted says whether the tests of every engine are asked for.
func Wanted() bool { return os.Getenv("ENGINES") == "all" }

// Here gives the machine's engine. Where none answers, the test is skipped, with a
// line on the terminal; where all engines are asked for, that is a failure.
func Here(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := engine.Find(context.Background())
	if err != nil {
		Without(t, err.Error())
	}
	return e
}

// Engine is Here for a test that runs only where all engines are asked for.
func Engine(t testing.TB) *engine.Engine {
	t.Helper()
	if !Wanted() {
		t.Skip("it is of `make e2e`")
	}
	return Here(t)
}

// Long is Engine for a test that takes many minutes: not with -short.
func Long(t testing.TB) *engine.Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes many minutes; without -short it runs")
	}
	return Engine(t)
}

// Without ends a test that lacks something; where all engines are asked for, that is
// a failure. `go test` hides a skip where all else passes, so it is said on the terminal itself.
func Without(t testing.TB, what string) {
	t.Helper()
	if Wanted() {
		t.Fatalf("ENGINES=all, so this test must not be skipped: %s", what)
	}
	if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(terminal, "SKIPPED: %s: %s\n", t.Name(), what)
		terminal.Close()
	}
	t.Skip("SKIPPED: ", what)
}

// Root skips a test that takes root, such as one that mounts a disk, as Here does.
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Getuid() != 0 {
		Without(t, what+" takes root")
	}
}

// Scripted makes a docker of a shell script, the only program on PATH, and finds
// the engine with it: for what no real engine can be made to do.
func Scripted(t *testing.T, script string) *engine.Engine {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", dir)
	t.Setenv("CONTAINER_ENGINE", "docker")
	t.Setenv(program.CacheVariable, t.TempDir())
	e, err := engine.Find(context.Background())
	require.NoError(t, err)
	return e
}
