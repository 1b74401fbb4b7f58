package bundle

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// Differs is a file that is there already with another content.
type Differs struct{ Path string }

func (d *Differs) Error() string {
	return fmt.Sprintf("%s is there already, and it is not the bundle's: nothing was written\n"+
		"Unpack into another folder: load … --into FOLDER", d.Path)
}

// originals is where Unpack keeps what a learner is to change, as it came.
const originals = ".original"

// Unpack writes the lesson's folders into dir, and beside them the tool for this
// machine as bin/steps, whose path it returns. What somebody has changed there is not
// written over: the error is then a *Differs, and nothing was written.
func (b *Bundle) Unpack(dir string) (tool string, err error) {
	here, err := b.here()
	if err != nil {
		return "", err
	}
	tool = path.Join(toolsDir, executable("steps", runtime.GOOS))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir) // a link in there leads no file out of it
	if err != nil {
		return "", err
	}
	defer root.Close()
	var missing, kept []File
	for _, f := range b.files {
		if strings.HasPrefix(f.Name, "workshop/exercises/") || strings.HasPrefix(f.Name, "workshop/start/") {
			again := f
			again.Name = path.Join(originals, f.Name)
			kept = append(kept, again) // once more, for Reset
		}
		switch top, _, _ := strings.Cut(f.Name, "/"); {
		case f.Name == here.File:
			f.Name = tool
		case top == toolsDir, top == imagesDir, f.Name == sums, f.Name == manifest:
			continue
		}
		if lacking, err := f.lacking(root); err != nil {
			return "", err
		} else if lacking {
			missing = append(missing, f)
		}
	}
	for _, f := range append(missing, kept...) {
		if err := f.place(root); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, filepath.FromSlash(tool)), nil
}

// lacking says whether a file is still to be written.
func (f File) lacking(root *os.Root) (bool, error) {
	name := filepath.FromSlash(f.Name)
	info, err := root.Stat(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	}
	if !info.Mode().IsRegular() { // a pipe would wait for ever
		return false, &Differs{filepath.Join(root.Name(), name)}
	}
	text, err := root.ReadFile(name)
	if err != nil {
		return false, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != f.sum {
		return false, &Differs{filepath.Join(root.Name(), name)}
	}
	if f.Program && runtime.GOOS != "windows" && info.Mode()&0o100 == 0 {
		return false, root.Chmod(name, info.Mode().Perm()|0o755)
	}
	return false, nil
}

// place writes a file under another name first: it is there whole or not at all.
func (f File) place(root *os.Root) error {
	name := filepath.FromSlash(f.Name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if f.Program {
		mode = 0o755
	}
	part := name + "." + rand.Text()[:8] + ".part" // another load may be under way
	out, err := root.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer root.Remove(part)
	_, err = io.Copy(out, f.reader())
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(root.Name(), part), err)
	}
	return root.Rename(part, name)
}

// Reset gives a folder of the lesson in root back as it came: from what the bundle brought, or in a clone from git.
func Reset(ctx context.Context, root, folder string) error {
	kept := os.DirFS(filepath.Join(root, originals))
	if _, err := fs.Stat(kept, folder); err != nil {
		git := exec.CommandContext(ctx, "git", "-C", root, "checkout", "--quiet", "HEAD", "--", folder)
		if out, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("%s is not from a bundle, and git does not give it back: %s\nGet the lesson again: load BUNDLE --into FOLDER",
				folder, strings.TrimSpace(cmp.Or(string(out), err.Error())))
		}
		return nil
	}
	return fs.WalkDir(kept, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(kept, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), text, 0o644)
	})
}
