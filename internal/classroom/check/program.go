package check

import (
	"path"
	"strings"
)

// findProgram finds the binary that the image is there for, whether it starts or
// not: the largest program that the start command names, be it inside of a shell
// form; else the doctor's; else the largest that Go has compiled.
func (s *subject) findProgram() *file {
	var best *file
	take := func(f *file) {
		if f != nil && f.elf && !f.shell && !f.toolchain && (best == nil || f.Size > best.Size) {
			best = f
		}
	}
	for _, argument := range s.diagnosis.Argv {
		for _, word := range strings.FieldsFunc(argument, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()'\"", r) }) {
			for _, place := range s.places(word) {
				take(s.files.resolve(place))
			}
		}
	}
	if best == nil && s.diagnosis.Program != "" {
		take(s.files.resolve(s.diagnosis.Program))
	}
	if best == nil {
		for _, f := range s.files.inOrder() {
			if f.golang {
				take(f)
			}
		}
	}
	return best
}

// places are where a word of the command may lie.
func (s *subject) places(word string) []string {
	if path.IsAbs(word) {
		return []string{word}
	}
	places := []string{path.Join("/", s.config.WorkingDir, word)}
	if strings.Contains(word, "/") {
		return places
	}
	search := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, one := range s.config.Env {
		if value, ok := strings.CutPrefix(one, "PATH="); ok {
			search = value
		}
	}
	for _, dir := range strings.Split(search, ":") {
		places = append(places, path.Join("/", dir, word))
	}
	return places
}
