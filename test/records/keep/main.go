// Command keep takes the document of a run from its input, keeps it as a record, and writes the texts that rest on it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/tell/page"
	"optimizing-dockerfile/test/records"
)

const use = "run all --json | dev record"

func main() {
	beside := flag.Bool("beside", false, "keep it as this engine's, beside the first record, which the texts show")
	accept := flag.Bool("accept", false, "take over outcomes that have changed")
	flag.Parse()
	if flag.NArg() > 0 || term.IsTerminal(int(os.Stdin.Fd())) {
		fmt.Fprintln(os.Stderr, "error: the run to keep comes in by a pipe, at the repo's root:", use)
		os.Exit(2)
	}
	if err := keep(os.Stdin, *beside, *accept); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// keep takes one run, or those on every base.
func keep(from io.Reader, beside, accept bool) error {
	var doc struct {
		record.Run
		Runs []record.Run `json:"runs"`
	}
	if err := json.NewDecoder(from).Decode(&doc); err != nil {
		return fmt.Errorf("what came in is no document of a run (%w): %s", err, use)
	}
	if doc.Runs == nil {
		doc.Runs = []record.Run{doc.Run}
	}
	var failures []error
	for _, each := range doc.Runs {
		kept, err := records.Keep(".", each, beside, accept)
		if failures = append(failures, err); err == nil {
			fmt.Println("the record has the run on " + each.Base.Name)
		}
		for _, name := range kept {
			fmt.Println("kept as it was recorded: " + name)
		}
	}
	written, err := page.Update(".")
	for _, path := range written {
		fmt.Println("wrote " + path)
	}
	return errors.Join(append(failures, err)...)
}
