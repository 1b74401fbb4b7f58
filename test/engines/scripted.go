package engines

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/program"
)

// Scripted makes a docker of a shell script, the only program on PATH, and finds
// the engine with it: for what no real engine can be made to do.
func Scripted(t *testing.T, script string) *engine.Engine {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("CONTAINER_ENGINE", "docker")
	t.Setenv(program.CacheVariable, t.TempDir())
	e, err := engine.Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return e
}
