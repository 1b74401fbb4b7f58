package tell

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"optimizing-dockerfile/internal/base"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// Opening tells what a step changes, before any waiting.
func (t *Terminal) Opening(steps []table.Step, step table.Step) error {
	heading := fmt.Sprintf("Step %s of %d: %s", step.Number(), len(steps), step.Title)
	if step.Claim != "" {
		heading = fmt.Sprintf("%s. “%s” %s", step.Number(), step.Claim, step.Title)
	}
	t.Heading(heading)
	t.Paragraph(step.Change)
	lines, err := Diff(steps, step, step.Main().Dockerfile)
	if err != nil {
		return err
	}
	t.ShowDiff("  ", Changes(lines))
	return nil
}

var diffColors = map[string]string{"+": Green, "-": Red}

// ShowDiff shows lines of a diff, in its colours.
func (t *Terminal) ShowDiff(indent string, diff []string) {
	for _, line := range diff {
		t.Say(indent + t.Paint(diffColors[line[:min(1, len(line))]], screen.Harmless(line)))
	}
}

// Closing tells what happened to a step and why. outcomes are those of its
// tries; sizes has the images so far, the step's own last.
func (t *Terminal) Closing(step table.Step, outcomes []run.Outcome, base *base.Ready, sizes []Bar, next string) {
	for i, o := range outcomes {
		for _, command := range o.Commands {
			t.Say(Command(command, t.Width))
		}
		if n := len(o.Commands); n > 1 && slices.Contains(o.Commands[n-1], "127.0.0.1::8080") {
			t.Paragraph("(Port 8080 is in use: the engine chose another.)")
		}
		t.message(o)
		t.Say("")
		if i == len(outcomes)-1 {
			t.verdict("", o, like(step, base))
			t.proof(o)
			break
		}
		t.verdict(o.Dockerfile+" ", o, like(step, base))
		t.Indented("  ", step.Note(o.Dockerfile))
		t.Say("")
	}
	for _, figure := range Figures(step, outcomes) {
		t.Paragraph(figure + ".")
	}
	t.Indented("  ", step.Why)
	t.Indented("  ", listed(run.Main(outcomes).Image))
	t.bars(sizes)
	t.Paragraph("Base: " + ground(base))
	t.kept(outcomes)
	t.Paragraph(next)
}

// kept says where the containers that stay can be reached.
func (t *Terminal) kept(outcomes []run.Outcome) {
	for _, o := range outcomes {
		if o.Address != "" {
			t.Paragraph(fmt.Sprintf("Kept: %s answers at http://%s/?message=hello until `%s clean`.", o.Step, o.Address, program.Call()))
		}
	}
}

// message shows the last of what was said: the engine's, of a failure in red.
func (t *Terminal) message(o run.Outcome) {
	lines := strings.Split(strings.TrimSpace(record.Normalise(o.Message)), "\n")
	most, color := 3, Red
	if o.Outcome == table.Runs {
		most, color = 1, ""
	}
	t.Coloured(color, strings.Join(lines[max(0, len(lines)-most):], "\n"))
}

// verdict says in a sentence what happened, and whether it should have.
func (t *Terminal) verdict(subject string, o run.Outcome, like string) {
	text := strings.ToUpper(o.Outcome) + ", " + like + ": " + Happened(o)
	switch o.Verdict {
	case run.Environment:
		text = result(o)
	case run.Unexpected:
		text = "NOT " + like + ": " + o.Why()
	}
	t.Coloured(colorOf(o.Verdict), subject+text)
}

// like says what a step's end is held against: the article, or, on another base
// and in the lessons after it, what the table foretells.
func like(step table.Step, base *base.Ready) string {
	if base.Name != "article" || step.Against != "" {
		return "as foretold"
	}
	return "as in the article"
}

// Happened puts what was proved of a try into half a sentence.
func Happened(o run.Outcome) string {
	switch {
	case o.Outcome == table.Runs:
		return "the echo came back, from user " + o.User
	case o.Cause == doctor.MissingShell:
		return fmt.Sprintf("the shell form asks for %s; there is none", o.Missing)
	case o.Cause == doctor.MissingLoader:
		return table.Binary + " is there; its loader is not"
	}
	return strings.TrimSpace(string(o.Cause) + " " + o.Detail)
}

// proof shows what was asked for and what the image holds.
func (t *Terminal) proof(o run.Outcome) {
	for _, e := range o.Proof {
		found := e.Found
		if !strings.HasPrefix(found, e.Path) {
			found = e.Path + " → " + found
		}
		t.labelled("proof", e.Claim+": "+found)
	}
	if o.Image != nil && len(o.Image.Files) > 0 {
		t.labelled("holds", holds(*o.Image))
	}
}

// listed says what an engine lists as an image's size, where that is not its files'.
func listed(image *run.Image) string {
	if image == nil || image.Listed == 0 || screen.Size(image.Listed) == screen.Size(image.Bytes) {
		return ""
	}
	return fmt.Sprintf("The engine lists %s: it counts packed layers too (docs/then-and-now.md).", screen.Size(image.Listed))
}

// holds names the files of a small image.
func holds(image run.Image) string {
	const most = 4
	var files []string
	for _, file := range image.Files[:min(most, len(image.Files))] {
		files = append(files, fmt.Sprintf("%s (%s)", file.Path, screen.Size(file.Bytes)))
	}
	if more := len(image.Files) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(files, ", "), more)
	}
	return strings.Join(files, ", ") + " and nothing else"
}

// Command writes a command as one types it: quoted where a shell needs it, and
// broken over lines where one would be too long to read.
func Command(words []string, width int) string {
	text, column := "$", 1
	for i := 0; i < len(words); i++ {
		word := Word(words[i])
		// An option and its value stay together.
		if strings.HasPrefix(word, "--") && !strings.Contains(word, "=") && word != "--rm" && i+1 < len(words) {
			i++
			word += " " + Word(words[i])
		}
		length := 1 + utf8.RuneCountInString(word)
		if runtime.GOOS != "windows" && column > 3 && column+length > width-2 {
			text, column = text+" \\\n   ", 3
		}
		text, column = text+" "+word, column+length
	}
	return text
}

var plainWord = regexp.MustCompile(`^[\w./:=,@+-]+$`)

// Word makes one word for a POSIX shell; PowerShell reads it alike.
func Word(word string) string {
	word = screen.Harmless(word)
	if plainWord.MatchString(word) {
		return word
	}
	quote := `'\''`
	if runtime.GOOS == "windows" {
		quote = "''"
	}
	return "'" + strings.ReplaceAll(word, "'", quote) + "'"
}
