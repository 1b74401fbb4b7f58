package run

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"optimizing-dockerfile/internal/dockerfile"
)

// compileKey is the same for tries whose first stages do the same with the same
// files: the builder compiles once for all of them, if they do not start at
// once. It decides on the order alone; a wrong key costs time, nothing else.
func compileKey(dir, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return dir + name
	}
	sum := sha256.New()
	for _, instruction := range firstStage(string(text)) {
		sum.Write([]byte(instruction + "\n"))
	}
	ignored, _ := os.ReadFile(filepath.Join(dir, ".dockerignore"))
	patterns := strings.Fields(string(ignored))
	filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		for _, pattern := range patterns {
			if matched, _ := path.Match(pattern, entry.Name()); matched {
				return nil
			}
		}
		content, _ := os.ReadFile(file)
		sum.Write([]byte(entry.Name() + "\x00"))
		sum.Write(content)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}

// firstStage gives the instructions of the first stage up to its last RUN, and
// leaves out the stage's name, which changes nothing.
func firstStage(text string) []string {
	var stage []string
	last := 0
	for _, in := range dockerfile.Parse(text).Instructions {
		rest := in.Rest
		if in.Word == "FROM" {
			if len(stage) > 0 {
				break
			}
			rest = strings.Fields(rest + " -")[0]
		}
		if in.Word != "ARG" {
			stage = append(stage, strings.Join(append([]string{in.Word, rest}, in.Flags...), " "))
		}
		if in.Word == "RUN" {
			last = len(stage)
		}
	}
	return stage[:last]
}
