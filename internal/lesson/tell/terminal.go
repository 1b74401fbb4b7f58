// Package tell tells people what happened: words, colours and bars for a terminal.
package tell

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"optimizing-dockerfile/internal/screen"
)

// Terminal is where the story goes: a screen, a file or a pipe.
type Terminal struct {
	io.Writer
	Width int  // columns
	Color bool // it shows colours
	Live  bool // lines can be drawn again
}

// Colours, as ANSI escape sequences.
const (
	bold  = "\x1b[1m"
	Dim   = "\x1b[2m"
	Red   = "\x1b[31m"
	Green = "\x1b[32m"
	reset = "\x1b[0m"
)

// NewTerminal finds out what w can show. NO_COLOR (https://no-color.org) and
// TERM=dumb turn colours off.
func NewTerminal(w io.Writer) *Terminal {
	t := &Terminal{Writer: w, Width: 80}
	file := t.Lend()
	if file == nil {
		return t
	}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		t.Width = max(40, width)
	}
	t.Live = os.Getenv("TERM") != "dumb"
	t.Color = t.Live && os.Getenv("NO_COLOR") == ""
	return t
}

// Lend gives the terminal itself, for another program to draw on; nil where it is something else.
func (t *Terminal) Lend() *os.File {
	w := t.Writer
	if on, ok := w.(interface{ Under() io.Writer }); ok {
		w = on.Under()
	}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// Paint colours a text where colours show.
func (t *Terminal) Paint(color, text string) string {
	if !t.Color || text == "" {
		return text
	}
	return color + text + reset
}

// PadRight fills a text up to width columns.
func PadRight(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text))) + text
}

// cut is screen.Fold for what has one line.
func cut(text string, width int) string {
	text = strings.ReplaceAll(screen.Harmless(text), "\n", " ")
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(0, width-1)]) + "…"
}

// Blank writes an empty line.
func (t *Terminal) Blank() { t.Say("") }

// Paragraph writes a text, broken at the terminal's width.
func (t *Terminal) Paragraph(text string) { t.Indented("", text) }

// Prompt writes a question and leaves the cursor where the answer goes.
func (t *Terminal) Prompt(question string) {
	lines := screen.Fold(question, t.Width)
	for i, line := range lines {
		lines[i] = t.Paint(bold, line)
	}
	fmt.Fprint(t, strings.Join(lines, "\n")+"\n> ")
}

// Trouble writes what went wrong; its lines stay as they are.
func (t *Terminal) Trouble(text string) {
	for _, line := range strings.Split(text, "\n") {
		t.Coloured(Red, line)
	}
}

// Answered tells whether a guess was right, and in any case why.
func (t *Terminal) Answered(question, guess string, right bool, why string) {
	color, sign := Red, "✗"
	if right {
		color, sign = Green, "✓"
	}
	t.Coloured(color, sign+" "+question+" You said: "+guess+".")
	t.Indented("  ", why)
}

// Unanswered tells why a guess is neither right nor wrong.
func (t *Terminal) Unanswered(question, guess, why string) {
	t.Say("– " + question + " You said: " + guess + ".")
	t.Indented("  ", why)
}
