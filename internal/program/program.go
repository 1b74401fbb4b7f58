// Package program knows where this program lies, how a reader calls it, and which
// folder it keeps its downloads and notes in.
package program

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// FromSource is how this program is called in a clone.
const FromSource = "go run ./scripts"

// CacheVariable names the environment variable that puts the cache elsewhere:
// in a test, or on the disk that a class shares.
const CacheVariable = "OPTIMIZING_DOCKERFILE_CACHE"

// ProgressVariable names another file for the learner's progress.
const ProgressVariable = "OPTIMIZING_DOCKERFILE_PROGRESS"

// Path is this program's path, links followed; "/" or the like where it is not known.
func Path() string {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return string(filepath.Separator)
	}
	return path
}

// Call is how a reader calls this program from the repo's root: by its path if
// it lies there, as a bundle brings it, else as the README says.
func Call() string { return callOf(Path()) }

func callOf(path string) string {
	if root := rootOf(path); root != "" && filepath.Dir(path) == filepath.Join(root, "bin") {
		if runtime.GOOS == "windows" {
			return `.\bin\` + filepath.Base(path)
		}
		return "bin/" + filepath.Base(path)
	}
	return FromSource
}

// rootOf gives the repo's root around a folder or file; "" where there is none.
func rootOf(path string) string {
	for ; ; path = filepath.Dir(path) {
		if _, err := os.Stat(filepath.Join(path, "steps", "steps.yaml")); err == nil {
			return path
		}
		if path == filepath.Dir(path) {
			return ""
		}
	}
}

// Repo is the repo that a command is about.
type Repo struct {
	Root string // as one types it in the working folder, where that lies in the repo; else absolute
	Here bool   // the working folder lies in it
}

// FindRepo finds the repo around the working folder, else the one around this program: a
// bundle unpacks it as bin/steps.
func FindRepo() (Repo, error) {
	here, err := os.Getwd()
	if err == nil {
		here, err = filepath.EvalSymlinks(here) // the way back from a folder that a link leads to is that folder's own
	}
	if err != nil {
		return Repo{}, err
	}
	if root := rootOf(here); root != "" {
		root, err = filepath.Rel(here, root)
		return Repo{root, true}, err
	}
	if root := rootOf(Path()); root != "" {
		return Repo{Root: root}, nil
	}
	return Repo{}, fmt.Errorf("%s is not inside the repo: no folder above it holds steps/steps.yaml", here)
}

// Path is that of what lies in the repo, by its way from the root, written with slashes.
func (r Repo) Path(way string) string { return filepath.Join(r.Root, filepath.FromSlash(way)) }

// CacheDir is the folder for downloads, and for the ledger of what builds made.
func CacheDir() (string, error) { return place(CacheVariable, os.UserCacheDir, "") }

// ProgressFile is in the learner's own configuration: `clean` does not take it away.
func ProgressFile() (string, error) { return place(ProgressVariable, os.UserConfigDir, "learn.json") }

// place is what a variable names, else what lies in the user's own folder of a kind.
func place(variable string, folder func() (string, error), name string) (string, error) {
	if path := os.Getenv(variable); path != "" {
		return filepath.Abs(path)
	}
	dir, err := folder()
	if err != nil {
		return "", fmt.Errorf("%w; set %s to a path that can be written to", err, variable)
	}
	return filepath.Join(dir, "optimizing-dockerfile", name), nil
}
