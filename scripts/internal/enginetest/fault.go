package enginetest

import (
	"fmt"
	"os"
	"testing"
)

// FaultMark begins the line by which a test tells `make faults` of its row.
const FaultMark = "FAULT\t"

// WantsFaults says whether the whole suite of faults is asked for, `make faults`,
// and not only its quick part.
func WantsFaults() bool { return os.Getenv("FAULTS") != "" }

// Fault notes a row for the table of `make faults`: what was tried, and the
// figures of it, such as "50 moments, 0 left over". The row has held if its test
// passes. The test's name begins with TestFault, or `make faults` does not run it.
func Fault(t testing.TB, tried, figures string, args ...any) {
	t.Helper()
	t.Log(FaultMark + tried + "\t" + fmt.Sprintf(figures, args...))
}
