// Package atomicfile writes a file whole or not at all: who reads it, also after
// a kill or a power cut, finds the old content or the new.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write makes content that of the file, and the folders above it where they are missing.
func Write(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
