// Package faults attacks the tool with everything that goes wrong: `make faults`. What
// is here, beside the tests, notes a row of its table from any package.
package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"optimizing-dockerfile/internal/screen"
)

// Mark begins the line by which a test tells `make faults` of its row.
const Mark = "FAULT\t"

// Wanted says whether the whole suite of faults is asked for, `make faults`,
// and not only its quick part.
func Wanted() bool { return os.Getenv("FAULTS") != "" }

// Row notes a row for the table of `make faults`: what was tried, and the
// figures of it, such as "50 moments, 0 left over". The row has held if its test
// passes. The test's name begins with TestFault, or `make faults` does not run it.
func Row(t testing.TB, tried, figures string, args ...any) {
	t.Helper()
	t.Log(Mark + tried + "\t" + fmt.Sprintf(figures, args...))
}

// Said is what the tool answered to a fault, at the end of a row's figures: its exit status, and of its words the line that
// has one of them in it.
func Said(status int, words, word string) string {
	said := ""
	for line := range strings.Lines(words) {
		if strings.Contains(line, word) {
			said = strings.TrimSpace(line)
			break
		}
	}
	return fmt.Sprintf("\t%d\t%s", status, screen.Short(screen.Harmless(said), 100))
}

// Random gives a source of chance. Its seed is in the log, so that a failure can
// be had again: FAULT_SEED sets it.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano() % 1e9)
	if set, err := strconv.ParseUint(os.Getenv("FAULT_SEED"), 10, 64); err == nil {
		seed = set
	}
	t.Logf("FAULT_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
