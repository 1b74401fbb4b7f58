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

// Unpack writes the lesson's folders into dir, and beside them the tool for this
// machine as bin/steps. What somebody has changed there is not written over: the
// error is then a *Differs, and nothing was written.
func (b *Bundle) Unpack(dir string) (tool string, err error) {
	here, err := b.Here()
	if err != nil {
		return "", err
	}
	var lesson, kept []unpacked
	for _, e := range b.entries {
		switch top, _, _ := strings.Cut(e.name, "/"); {
		case e.name == here.File:
			tool = path.Join(toolsDir, executable("steps", runtime.GOOS))
			lesson = append(lesson, unpacked{tool, e})
		case top == toolsDir, top == imagesDir, e.name == sums, e.name == manifest:
		default:
			lesson = append(lesson, unpacked{e.name, e})
		}
		if strings.HasPrefix(e.name, "workshop/exercises/") || strings.HasPrefix(e.name, "workshop/start/") {
			kept = append(kept, unpacked{path.Join(originals, e.name), e}) // once more, for Reset
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir) // a link in there leads no file out of it
	if err != nil {
		return "", err
	}
	defer root.Close()
	var missing []unpacked
	for _, f := range lesson {
		lacking, err := f.lacking(root)
		if err != nil {
			return "", err
		}
		if lacking {
			missing = append(missing, f)
		}
	}
	for _, f := range append(missing, kept...) {
		if err := b.place(root, f); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, filepath.FromSlash(tool)), nil
}

// unpacked is an entry, and its name where it is unpacked.
type unpacked struct {
	to string
	entry
}

// originals is where Unpack keeps what a learner is to change, as it came.
const originals = ".original"

// Reset gives a folder of the lesson in root back as it came: from what the bundle brought, or in a clone from git.
func Reset(ctx context.Context, root, folder string) error {
	kept := filepath.Join(root, originals, filepath.FromSlash(folder))
	if _, err := os.Stat(kept); err != nil {
		git := exec.CommandContext(ctx, "git", "-C", root, "checkout", "--quiet", "HEAD", "--", folder)
		if out, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("%s is not from a bundle, and git does not give it back: %s\nGet the lesson again: load BUNDLE --into FOLDER",
				folder, strings.TrimSpace(cmp.Or(string(out), err.Error())))
		}
		return nil
	}
	return filepath.WalkDir(kept, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(kept, at)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, filepath.FromSlash(folder), inside), text, 0o644)
	})
}

// lacking says whether a file is still to be written.
func (f unpacked) lacking(root *os.Root) (bool, error) {
	name := filepath.FromSlash(f.to)
	info, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	var text []byte
	if info.Mode().IsRegular() { // a pipe would wait for ever
		if text, err = root.ReadFile(name); err != nil {
			return false, err
		}
	}
	if sum := sha256.Sum256(text); !info.Mode().IsRegular() || hex.EncodeToString(sum[:]) != f.sum {
		return false, &Differs{filepath.Join(root.Name(), name)}
	}
	if f.run && runtime.GOOS != "windows" && info.Mode()&0o100 == 0 {
		return false, root.Chmod(name, info.Mode().Perm()|0o755)
	}
	return false, nil
}

// place writes a file under another name first: it is there whole or not at all.
func (b *Bundle) place(root *os.Root, f unpacked) error {
	name := filepath.FromSlash(f.to)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if f.run {
		mode = 0o755
	}
	part := name + "." + rand.Text()[:8] + ".part" // another load may be under way
	out, err := root.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer root.Remove(part)
	_, err = io.Copy(out, io.NewSectionReader(b.file, f.offset, f.size))
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(root.Name(), part), err)
	}
	return root.Rename(part, name)
}
