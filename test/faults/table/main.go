// Command table reads what `go test -json` prints and shows the rows that the
// tests of faults have noted, and whether each held. It fails if one did not.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"optimizing-dockerfile/test/faults"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct{ Action, Package, Test, Output string }

func main() {
	if held, err := table(os.Stdin, os.Stdout); err != nil || !held {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
}

// table writes a row for each that a test noted, and the whole output of what
// failed. It says whether everything held, which nothing at all does not.
func table(in io.Reader, out io.Writer) (held bool, err error) {
	type row struct{ note, test string }
	var rows []row
	result, printed := map[string]string{}, map[string]*strings.Builder{}
	for lines := json.NewDecoder(in); ; {
		var e event
		if err := lines.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			return false, fmt.Errorf("this is not what `go test -json` prints: %w", err)
		}
		test := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			if printed[test] == nil {
				printed[test] = &strings.Builder{}
			}
			printed[test].WriteString(e.Output)
			if _, note, ok := strings.Cut(e.Output, faults.Mark); ok {
				note = strings.TrimSpace(note)
				note += strings.Repeat("\t", max(0, 3-strings.Count(note, "\t"))) // or the columns are not aligned
				rows = append(rows, row{note, test})
			}
		case "pass", "fail", "skip":
			result[test] = e.Action
		}
	}
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "HELD\tBROKEN\tSEEN\tSTATUS\tTHE TOOL SAID")
	held = len(rows) > 0
	for _, r := range rows {
		answer := "yes"
		if result[r.test] != "pass" {
			answer, held = "NO", false
		}
		fmt.Fprintf(columns, "%s\t%s\n", answer, r.note)
	}
	if err := columns.Flush(); err != nil {
		return false, err
	}
	for test, how := range result {
		if how == "fail" {
			held = false
			fmt.Fprintf(out, "\nfailed: %s\n%s", test, printed[test])
		}
	}
	return held, nil
}
