package screen

import (
	"strings"
	"unicode/utf8"
)

// Fold breaks text into lines of at most width columns, at spaces; a longer word
// stays whole, so that it can be copied. It is made harmless.
func Fold(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(Harmless(text)) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
