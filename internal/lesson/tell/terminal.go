// Package tell tells people what happened: words, colours and bars for a terminal.
package tell

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/screen"
)

// Terminal is where the story goes: a screen, a file or a pipe.
type Terminal struct {
	io.Writer
	Width  int   // columns
	Color  bool  // it shows colours
	Live   bool  // lines can be drawn again
	Failed error // what kept something from being written; nil: nothing
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
	if t, ok := w.(*Terminal); ok {
		return t
	}
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

// Write writes as it is, and remembers a failure: a full disk must not look like a success, whoever wrote.
func (t *Terminal) Write(p []byte) (int, error) {
	n, err := t.Writer.Write(p)
	if err != nil {
		t.Failed = err
	}
	return n, err
}

// Lend gives the terminal itself, for another program to draw on; nil where it is something else.
func (t *Terminal) Lend() *os.File {
	if file, ok := t.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// Paint colours a text where colours show.
func (t *Terminal) Paint(color, text string) string {
	if !t.Color || text == "" || color == "" {
		return text
	}
	return color + text + reset
}

// cut makes a text fit for one line of some columns.
func cut(text string, width int) string {
	return screen.Short(screen.Line(screen.Harmless(text)), width)
}

// Say writes a line.
func (t *Terminal) Say(line string) { fmt.Fprintln(t, line) }

// Heading writes a line that stands out.
func (t *Terminal) Heading(text string) { t.Say(t.Paint(bold, screen.Harmless(text))) }

// Paragraph writes a text, broken at the terminal's width.
func (t *Terminal) Paragraph(text string) { t.folded("", "", text) }

// Indented writes a paragraph, each line behind an indent.
func (t *Terminal) Indented(indent, text string) { t.folded(indent, "", text) }

// Coloured writes a paragraph in a colour.
func (t *Terminal) Coloured(color, text string) { t.folded("", color, text) }

// folded keeps the lines of a text, but for empty ones.
func (t *Terminal) folded(indent, color, text string) {
	for line := range strings.Lines(text) {
		for _, part := range screen.Fold(line, t.Width-utf8.RuneCountInString(indent)) {
			t.Say(indent + t.Paint(color, part))
		}
	}
}

// labelled writes a paragraph beside a word.
func (t *Terminal) labelled(label, text string) {
	for _, line := range screen.Fold(text, t.Width-9) {
		t.Say(fmt.Sprintf("  %-7s%s", label, line))
		label = ""
	}
}

// Prompt writes a question and leaves the cursor where the answer goes.
func (t *Terminal) Prompt(question string) {
	t.Coloured(bold, question)
	fmt.Fprint(t, "> ")
}

// Bar is an image's size in the chart.
type Bar struct {
	Step     string
	Bytes    int64
	Article  table.Size // 0 where the article shows none
	Recorded bool       // from the record, not seen on this machine now
}

func (t *Terminal) bars(sizes []Bar) {
	if len(sizes) == 0 {
		return
	}
	var most int64
	for _, bar := range sizes {
		most = max(most, bar.Bytes, int64(bar.Article))
	}
	room := max(8, min(40, t.Width-30))
	head := "  size"
	if sizes[0].Recorded {
		head += "; in ( ): of the record"
	}
	t.Say(t.Paint(Dim, fmt.Sprintf("%-*s%8s%9s", room+5, head, "here", "article")))
	for _, bar := range sizes {
		here := screen.Size(bar.Bytes)
		if bar.Recorded {
			here = "(" + here + ")"
		}
		drawn := strings.Repeat("█", max(1, int(bar.Bytes*int64(room)/most)))
		number := table.Step{Name: bar.Step}.Number()
		t.Say(fmt.Sprintf("  %s %-*s%8s%9s", number, room+1, drawn, here, inArticle(bar.Article)))
	}
}
