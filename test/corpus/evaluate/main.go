// Command evaluate holds the doctor against real starts of its corpus: the confusion
// matrix, the accuracy of the causes, and each case that is not as it should be.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/test/corpus"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "dev evaluate: takes no options; it starts every image of the corpus, in minutes")
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	perfect, err := evaluate(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if !perfect {
		os.Exit(1)
	}
}

func evaluate(ctx context.Context) (perfect bool, err error) {
	e, err := engine.Find(ctx)
	if err != nil {
		return false, err
	}
	cases, skipped := corpus.Cases()
	for _, s := range skipped {
		fmt.Fprintln(os.Stderr, "left out:", s)
	}
	fmt.Fprintf(os.Stderr, "examining and starting %d images\n", len(cases))
	results, err := corpus.Evaluate(ctx, e, run.MachineOf(e), cases)
	if err != nil {
		return false, err
	}
	return corpus.Report(os.Stdout, results), nil
}
