package base

import (
	"errors"
	"os"
	"path/filepath"
)

// Ledger is the file in the cache that notes what builds have made; see engine.Ledger.
const Ledger = "ledger"

// RemoveCache removes the downloads, and the cache's folder if nothing is left in
// it: the ledger stays as long as it lists something of another engine.
func RemoveCache(dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	left := false
	for _, file := range files {
		if file.Name() == Ledger {
			left = true
			continue
		}
		if err := removeTree(filepath.Join(dir, file.Name())); err != nil {
			return err
		}
	}
	if left {
		return nil
	}
	return os.Remove(dir)
}
