package story

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/scripts/internal/terminal"
)

// Blank writes an empty line.
func (t *Terminal) Blank() { t.say("") }

// Paragraph writes a text, broken at the terminal's width.
func (t *Terminal) Paragraph(text string) { t.paragraph("", text) }

// Prompt writes a question and leaves the cursor where the answer goes.
func (t *Terminal) Prompt(question string) {
	lines := terminal.Fold(question, t.Width)
	for i, line := range lines {
		lines[i] = t.paint(bold, line)
	}
	fmt.Fprint(t, strings.Join(lines, "\n")+"\n> ")
}

// Trouble writes what went wrong; its lines stay as they are.
func (t *Terminal) Trouble(text string) {
	for _, line := range strings.Split(text, "\n") {
		t.coloured(red, line)
	}
}

// Answered tells whether a guess was right, and in any case why.
func (t *Terminal) Answered(question, guess string, right bool, why string) {
	color, sign := red, "✗"
	if right {
		color, sign = green, "✓"
	}
	t.coloured(color, sign+" "+question+" You said: "+guess+".")
	t.paragraph("  ", why)
}

// Unanswered tells why a guess is neither right nor wrong.
func (t *Terminal) Unanswered(question, guess, why string) {
	t.say("– " + question + " You said: " + guess + ".")
	t.paragraph("  ", why)
}
