package tell

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"optimizing-dockerfile/internal/base"
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
	t.Indented("", step.Change)
	lines, err := Diff(steps, step, step.Main().Dockerfile)
	if step.Tries[0].Dockerfile == table.Finished {
		lines, err = diffFiles(filepath.Join(step.Dir, table.Finished), filepath.Join(step.Dir, step.Main().Dockerfile))
	}
	if err != nil {
		return err
	}
	t.ShowDiff("  ", Changes(lines))
	return nil
}

// ShowDiff shows lines of a diff, in its colours.
func (t *Terminal) ShowDiff(indent string, diff []string) {
	for _, line := range diff {
		line = screen.Harmless(line)
		switch {
		case strings.HasPrefix(line, "+"):
			t.Say(indent + t.Paint(Green, line))
		case strings.HasPrefix(line, "-"):
			t.Say(indent + t.Paint(Red, line))
		default:
			t.Say(indent + line)
		}
	}
}

// Closing tells what happened to a step and why. outcomes are those of its
// tries; sizes has the images so far, the step's own last.
func (t *Terminal) Closing(step table.Step, outcomes []run.Outcome, base *base.Ready, sizes []Bar, next string) {
	for i, try := range outcomes {
		for _, command := range try.Commands {
			t.Say(Command(command, t.Width))
		}
		if n := len(try.Commands); n > 1 && slices.Contains(try.Commands[n-1], "127.0.0.1::8080") {
			t.Indented("", "(Port 8080 is in use: the engine chose another.)")
		}
		t.message(try)
		t.Say("")
		if i == len(outcomes)-1 {
			t.verdict("", try, like(step, base))
			t.proof(try)
			break
		}
		t.verdict(try.Dockerfile+" ", try, like(step, base))
		t.Indented("  ", step.Note(try.Dockerfile))
		t.Say("")
	}
	for _, o := range outcomes {
		if figure := Figure(step, o); figure != "" {
			t.Indented("", o.Dockerfile+": "+figure+".")
		}
	}
	t.Indented("  ", step.Why)
	if note := listed(outcomes[len(outcomes)-1]); note != "" {
		t.Indented("  ", note)
	} else {
		t.Say("")
	}
	t.bars(sizes)
	t.Indented("", "Base: "+base.Said()+" (Go "+base.Go+", "+base.Libc+").")
	t.kept(outcomes)
	t.Indented("", next)
}

// kept says where the containers that stay can be reached.
func (t *Terminal) kept(outcomes []run.Outcome) {
	for _, o := range outcomes {
		if o.Address != "" {
			t.Indented("", fmt.Sprintf("Kept: %s answers at http://%s/?message=hello until `%s clean`.", o.Step, o.Address, program.Call()))
		}
	}
}

// message shows the last of what was said: the engine's, of a failure in red.
func (t *Terminal) message(o run.Outcome) {
	lines := strings.Split(strings.TrimSpace(record.Normalise(o.Message)), "\n")
	most := 3
	if o.Outcome == table.Runs {
		most = 1
	}
	for _, line := range lines[max(0, len(lines)-most):] {
		for _, part := range screen.Fold(line, t.Width) {
			if o.Outcome == table.Runs {
				t.Say(part)
			} else {
				t.Say(t.Paint(Red, part))
			}
		}
	}
}

// verdict says in a sentence what happened, and whether it should have.
func (t *Terminal) verdict(subject string, o run.Outcome, like string) {
	switch {
	case o.Verdict == run.Environment:
		t.Coloured(Red, subject+"CANNOT TELL: "+strings.Join(o.Reasons, "; "))
	case o.Verdict == run.Unexpected:
		t.Coloured(Red, subject+"NOT "+like+": "+strings.Join(o.Reasons, "; "))
	case o.Outcome == table.Runs:
		t.Coloured(Green, subject+"RUNS, "+like+": the echo came back, from user "+o.User)
	default:
		t.Coloured(Green, subject+"FAILS, "+like+": "+Failure(o))
	}
}

// like says what a step's end is held against: the article, or, on another base
// and in the lessons after it, what the table foretells.
func like(step table.Step, base *base.Ready) string {
	if base.Name != "article" || step.Against != "" {
		return "as foretold"
	}
	return "as in the article"
}

// Failure puts a proven failure into half a sentence.
func Failure(o run.Outcome) string {
	switch o.Cause {
	case "missing-shell":
		return fmt.Sprintf("the shell form asks for %s; there is none", o.Missing)
	case "missing-loader":
		return table.Binary + " is there; its loader is not"
	}
	return strings.TrimSpace(o.Cause + " " + o.Detail)
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
		t.labelled("holds", Holds(*o.Image))
	}
}

// listed says what an engine lists as an image's size, where that is not its files'.
func listed(o run.Outcome) string {
	if o.Image == nil || o.Image.Listed == 0 || table.Size(o.Image.Listed).String() == table.Size(o.Image.Bytes).String() {
		return ""
	}
	return fmt.Sprintf("The engine lists %s: it counts packed layers too (docs/then-and-now.md).", table.Size(o.Image.Listed))
}

// Holds names the files of a small image.
func Holds(image run.Image) string {
	const most = 4
	var files []string
	for i, file := range image.Files {
		if i == most {
			return strings.Join(files, ", ") + fmt.Sprintf(" and %d more", len(image.Files)-most)
		}
		files = append(files, fmt.Sprintf("%s (%s)", file.Path, table.Size(file.Bytes)))
	}
	return strings.Join(files, ", ") + " and nothing else"
}

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
