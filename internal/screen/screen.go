// Package screen makes texts fit for one: shortened to a sentence, broken into lines, and,
// where others wrote them (programs, images, files), unable to steer it.
package screen

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/docker/go-units"
)

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

// Fold breaks text into lines of at most width columns, at spaces; a longer word
// stays whole, so that it can be copied. It is made harmless.
func Fold(text string, width int) (lines []string) {
	for _, word := range strings.Fields(Harmless(text)) {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

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

// Reporter is told, in plain sentences, what happens while work takes its time, maybe
// by several goroutines at once.
type Reporter interface{ Say(sentence string) }

// Sayf tells a sentence, if anybody is there to be told; what others wrote in it is made harmless.
func Sayf(r Reporter, format string, args ...any) {
	if r != nil {
		r.Say(Harmless(fmt.Sprintf(format, args...)))
	}
}

// Size writes a number of bytes in three digits and a unit, as `docker images` does.
func Size(bytes int64) string { return units.HumanSizeWithPrecision(float64(bytes), 3) }

// Meanwhile says a sentence every so often, made with the time passed, until stop is called.
func Meanwhile(r Reporter, every time.Duration, sentence func(passed string) string) (stop func()) {
	return Every(every, func(passed time.Duration) { Sayf(r, "%s", sentence(fmt.Sprintf("%.0f s", passed.Seconds()))) })
}

// Every does something again and again, told the time passed, until stop is called; then it is done with it.
func Every(interval time.Duration, do func(passed time.Duration)) (stop func()) {
	begin, ticker, done, ended := time.Now(), time.NewTicker(interval), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				do(time.Since(begin))
			case <-done:
				ticker.Stop()
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}
