package screen

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Harmless shows control characters instead of sending them: a text must not move
// the cursor, ring the bell, colour what follows, or run from right to left. Lines
// and tabs stay.
func Harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ':
			return '␀' + r // Unicode's pictures of the control characters
		case r == utf8.RuneError || !unicode.IsGraphic(r):
			return '·'
		}
		return r
	}, text)
}
