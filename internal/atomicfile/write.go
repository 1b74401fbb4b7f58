// Package atomicfile writes files: one that others read is replaced whole.
package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Write replaces a file, or makes it: whoever reads it finds the old content or the
// new, even if this process is killed on the way. Until then the new content lies in
// the folder scratch of the same file system, which nothing else may rest on, such
// as a build context; what a kill left there goes. Missing folders are made.
func Write(path string, content []byte, scratch string) error {
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.MkdirAll(scratch, 0o755)); err != nil {
		return err
	}
	left, _ := filepath.Glob(filepath.Join(scratch, prefix+"*"))
	for _, file := range left {
		os.Remove(file)
	}
	file, err := os.CreateTemp(scratch, prefix)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

const prefix = ".new-"

// Fill makes a file as its content comes. Where that fails, half a file stays.
func Fill(file string, write func(io.Writer) error) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}
