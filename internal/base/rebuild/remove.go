package rebuild

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"optimizing-dockerfile/internal/engine"
)

// RemoveCache removes the downloads, when no other run needs them any more, and
// the folder if nothing is left in it: the ledger stays as long as it lists
// something of another engine. first is done before that, while no run rebuilds a base.
func RemoveCache(ctx context.Context, dir string, say Progress, first func() error) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return first()
	}
	c, err := openCache(ctx, say)
	if err != nil {
		return err
	}
	defer c.close()
	if err := first(); err != nil {
		return err
	}
	files, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	left := false
	for _, file := range files {
		path := filepath.Join(c.dir, file.Name())
		switch {
		case path == c.lock.Path():
			continue
		case file.Name() == engine.LedgerFile:
			left = true
			continue
		}
		if err := removeTree(path); err != nil {
			return err
		}
	}
	if left {
		return nil
	}
	if err := os.Remove(c.lock.Path()); err != nil { // Windows removes no file that is open
		c.close()
		os.Remove(c.lock.Path())
	}
	return os.Remove(c.dir)
}
