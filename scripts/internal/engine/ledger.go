package engine

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// Ledger is a file that lists the images this tool has made, a line each: the
// engine's ID and the image's. The legacy builder can label no intermediate
// image, so there is no other way to tell ours from those of somebody else.
// Each line is written before the build goes on; a kill loses none.
type Ledger struct{ Path string }

// note adds an image. A ledger that cannot be written costs a thorough `clean`, not the run.
func (l Ledger) note(engine, image string) {
	if l.Path == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(l.Path), 0o755); err != nil {
		return
	}
	file, err := os.OpenFile(l.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer file.Close()
	file.WriteString(engine + " " + image + "\n")
}

// images lists an engine's images, the newest first, each once.
func (l Ledger) images(engine string) []string {
	file, err := os.Open(l.Path)
	if err != nil {
		return nil
	}
	defer file.Close()
	var all []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if of, image, ok := strings.Cut(scanner.Text(), " "); ok && of == engine {
			all = append(all, image)
		}
	}
	var newest []string
	seen := map[string]bool{}
	for i := len(all) - 1; i >= 0; i-- {
		if !seen[all[i]] {
			seen[all[i]] = true
			newest = append(newest, all[i])
		}
	}
	return newest
}
