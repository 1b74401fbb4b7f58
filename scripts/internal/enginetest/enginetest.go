// Package enginetest gives tests a container engine: the machine's, or one of
// their own, where what they do could disturb somebody.
package enginetest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"optimizing-dockerfile/scripts/internal/engine"
)

// Engine gives the machine's engine. Where none answers, the test is skipped,
// loudly; under CI that is a failure.
func Engine(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := engine.Find(context.Background())
	if err != nil {
		Without(t, err.Error())
	}
	return e
}

// Without ends a test that lacks something; under CI that is a failure. `go test` hides a skip where all
// else passes, so it is said on the terminal itself.
func Without(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI is set, so this test must not be skipped: %s", what)
	}
	if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(terminal, "SKIPPED: %s: %s\n", t.Name(), what)
		terminal.Close()
	}
	t.Skip("SKIPPED: ", what)
}

// Root skips a test that takes root, such as one that mounts a disk, as Engine does.
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Getuid() != 0 {
		Without(t, what+" takes root")
	}
}

// longTests is set where the tests run that take many minutes: `make testall`.
const longTests = "LONG_TESTS"

// WantsLong says whether the tests of many minutes are asked for.
func WantsLong() bool { return os.Getenv(longTests) != "" }

// SomeMinutes is Engine for a test that takes some minutes and that CI runs all the same.
func SomeMinutes(t testing.TB) *engine.Engine {
	t.Helper()
	if os.Getenv("CI") == "" {
		return Long(t)
	}
	return Engine(t)
}

// Long is Engine for a test that takes many minutes. It runs only where it is
// asked for, so that `go test ./...` stays something that one does.
func Long(t testing.TB) *engine.Engine {
	t.Helper()
	if !WantsLong() {
		t.Skip("SKIPPED: it takes many minutes; make testall runs it")
	}
	return Engine(t)
}
