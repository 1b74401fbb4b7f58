package tell

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/screen"
)

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
