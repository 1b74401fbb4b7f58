package tell

import (
	"runtime"
	"strings"
	"unicode/utf8"

	"optimizing-dockerfile/internal/screen"
)

// Command writes a command as one types it: quoted where a shell needs it, and
// broken over lines where one would be too long to read.
func Command(words []string, width int) string {
	lines := []string{"$"}
	for i := 0; i < len(words); i++ {
		word := Word(words[i])
		// An option and its value stay together.
		if strings.HasPrefix(word, "--") && !strings.Contains(word, "=") && word != "--rm" && i+1 < len(words) {
			i++
			word += " " + Word(words[i])
		}
		last := len(lines) - 1
		if runtime.GOOS != "windows" && utf8.RuneCountInString(lines[last]+" "+word) > width-2 && lines[last] != "$" {
			lines[last] += ` \`
			lines = append(lines, "   ")
			last++
		}
		lines[last] += " " + word
	}
	return strings.Join(lines, "\n")
}

// Word makes one word for a POSIX shell; PowerShell reads it alike.
func Word(word string) string {
	word = screen.Harmless(word)
	plain := strings.IndexFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@+", r))
	}) < 0
	if plain && word != "" {
		return word
	}
	quote := `'\''`
	if runtime.GOOS == "windows" {
		quote = "''"
	}
	return "'" + strings.ReplaceAll(word, "'", quote) + "'"
}
