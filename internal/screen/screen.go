// Package screen makes texts fit for one: shortened to a sentence, broken into lines, and,
// where others wrote them (programs, images, files), unable to steer it.
package screen

import "strings"

// Line makes a text one line.
func Line(text string) string { return strings.Join(strings.Fields(text), " ") }

// Last gives the last n lines of a text, as one line.
func Last(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return Line(strings.Join(lines[max(0, len(lines)-n):], "\n"))
}

// Short cuts a text to at most so many characters.
func Short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
