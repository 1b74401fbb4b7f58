package tool

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/engine"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
)

// Main runs the tests of a package that makes things in the machine's engine, and
// takes them away after it: all images that the ledger names and that were not there
// before. What is no test's stays: the base, with its downloads.
func Main(m *testing.M) int {
	defer Remove()
	ctx := context.Background()
	e, err := engine.Find(ctx)
	if err != nil {
		return m.Run()
	}
	if err := makeBase(ctx, e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	before := images(ctx, e)
	cache, err := os.MkdirTemp("", "od-cache-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(cache)
	os.Setenv(program.CacheVariable, cache)
	status := m.Run()
	tidy(ctx, e, before, filepath.Join(cache, engine.LedgerFile))
	return status
}

// makeBase gets the article's base with the user's own cache of downloads.
func makeBase(ctx context.Context, e *engine.Engine) error {
	catalog, err := base.Load(filepath.Join(Root(), "bases"))
	if err != nil {
		return err
	}
	_, err = base.Ensure(ctx, e, catalog.All()[0], tell.Plain{Writer: os.Stderr})
	return err
}

func images(ctx context.Context, e *engine.Engine) []string {
	text, _ := e.Call(ctx, "images", "--all", "--quiet", "--no-trunc")
	return strings.Fields(text)
}

// tidy removes what a ledger lists, the newest first, as later images rest on earlier
// ones. Names go one by one: an image with a name of somebody else's stays.
func tidy(ctx context.Context, e *engine.Engine, before []string, ledger string) {
	text, _ := os.ReadFile(ledger)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range slices.Backward(lines) {
		fields := strings.Fields(line) // engine, kind, ID, owner, since
		if len(fields) != 5 || fields[1] != "image" || fields[0] != e.Key() {
			continue
		}
		image, err := e.FindImage(ctx, fields[2])
		if err != nil || image == nil || slices.Contains(before, image.ID) {
			continue
		}
		for _, tag := range image.Tags {
			if strings.HasPrefix(strings.TrimPrefix(tag, "localhost/"), engine.Repository) {
				e.Call(ctx, "rmi", "--no-prune", tag)
			}
		}
		e.Call(ctx, "rmi", "--no-prune", image.ID)
	}
}
