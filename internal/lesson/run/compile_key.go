package run

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// compileKey is the same for tries whose first stages do the same with the same
// files: the builder compiles once for all of them, if they do not start at
// once. It decides on the order alone; a wrong key costs time, nothing else.
func compileKey(dir, dockerfile string) string {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return dir + dockerfile
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
func firstStage(dockerfile string) []string {
	var stage []string
	last := 0
	for _, line := range strings.Split(dockerfile, "\n") {
		line = strings.TrimSpace(line)
		word, _, _ := strings.Cut(line, " ")
		switch strings.ToUpper(word) {
		case "", "ARG":
			continue
		case "FROM":
			if len(stage) > 0 {
				return stage[:last]
			}
			line = strings.Join(strings.Fields(line)[:2], " ")
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		stage = append(stage, line)
		if strings.EqualFold(word, "RUN") {
			last = len(stage)
		}
	}
	return stage[:last]
}
