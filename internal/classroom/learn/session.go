package learn

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/term"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// errLeave ends a session: the learner has left, or there is no more input.
var errLeave = errors.New("leave")

// Session is one sitting.
type Session struct {
	Steps    []table.Step
	Progress *Progress
	In       io.Reader
	Out      *tell.Terminal

	// Try runs a step for real, in the background of the guessing.
	Try func(ctx context.Context, step table.Step, report run.Reporter) record.Run
	// Close tells the end of a step's story.
	Close func(step table.Step, doc record.Run) error

	lines chan string
}

// From goes through the steps, beginning with steps[at]; it moves on only when
// the learner says so. Leaving is no error.
func (s *Session) From(ctx context.Context, at int) error {
	s.lines = make(chan string, 100)
	go func() { // so that waiting for a line can be given up
		defer close(s.lines)
		for scanner := bufio.NewScanner(s.In); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	s.Out.Paragraph("Guess first, then see it happen. At any question: h = a hint, q = leave; your progress is kept.")
	for at < len(s.Steps) {
		s.Out.Say("")
		again, err := s.step(ctx, s.Steps[at])
		switch {
		case errors.Is(err, errLeave) || ctx.Err() != nil:
			s.farewell(at)
			return ctx.Err()
		case err != nil:
			return err
		case !again:
			at++
		}
	}
	s.finished()
	return nil
}

// forget drops what a person has typed so far, such as Enter while the engine builds:
// nothing is an answer before its question is put.
func (s *Session) forget() {
	file, ok := s.In.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return
	}
	flush(int(file.Fd()))
	for len(s.lines) > 0 {
		<-s.lines
	}
}

// ask shows a prompt and gives the next line.
func (s *Session) ask(ctx context.Context, prompt string) (string, error) {
	s.forget()
	s.Out.Prompt(prompt)
	select {
	case line, ok := <-s.lines:
		word := strings.ToLower(strings.TrimSpace(line))
		if !ok || word == "q" || word == "quit" {
			return "", errLeave
		}
		return word, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// step is one step: show, guess while it runs, the story, the explanation of each guess.
func (s *Session) step(ctx context.Context, step table.Step) (again bool, err error) {
	if err := s.Out.Opening(s.Steps, step); err != nil {
		return false, err
	}
	s.Out.Say("")
	running, stop := context.WithCancel(ctx)
	var doc record.Run
	over, news := make(chan struct{}), make(latest, 1)
	go func() {
		defer close(over)
		doc = s.Try(running, step, news)
	}()
	defer func() { // what runs must have cleaned up before we are gone
		stop()
		<-over
	}()

	guesses, err := s.guess(ctx, step)
	if err != nil {
		return false, err
	}
	for waiting := true; waiting; {
		select {
		case <-over:
			waiting = false
		case said := <-news:
			s.Out.Paragraph("… " + said)
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	s.Out.Say("")
	if doc.Verdict == run.Environment {
		return true, s.cannot(ctx, doc)
	}
	last := doc.Steps[len(doc.Steps)-1]
	if err := s.riddle(ctx, last); err != nil {
		return false, err
	}
	if err := s.Close(step, doc); err != nil {
		return false, err
	}
	score := s.explain(guesses, last)
	if err := s.Progress.Done(step.Name, score); err != nil {
		return false, err
	}
	return s.next(ctx, step)
}

// riddle shows the engine's words of a failed start, and asks what they do not say: the proof comes after it.
func (s *Session) riddle(ctx context.Context, o run.Outcome) error {
	if o.Outcome != table.Fails || o.Missing == "" || o.Message == "" {
		return nil
	}
	s.Out.Paragraph("It fails: " + screen.Last(o.Message, 1))
	word, err := s.ask(ctx, "Which file does not exist? Type a guess, or nothing; then comes the proof (q = leave)")
	if err == nil && strings.Contains(word, strings.ToLower(path.Base(o.Missing))) {
		s.Out.Paragraph("Right: " + o.Missing + ".")
	}
	return err
}

// guess asks the questions and gives the answers by their ids.
func (s *Session) guess(ctx context.Context, step table.Step) (map[string]choice, error) {
	guesses := map[string]choice{}
	own := map[string]string{"builds": step.Hints.Builds, "starts": step.Hints.Starts, "user": step.Hints.User, "size": step.Hints.Size}
	for _, q := range questions {
		err := s.choose(ctx, q.prompt(guesses), "Hint: "+cmp.Or(own[q.id], q.hint), func(word string) bool {
			guesses[q.id] = q.read(word)
			return guesses[q.id].letter != ""
		})
		if err != nil {
			return nil, err
		}
	}
	return guesses, nil
}

// choose asks until the answer is one that is known, and gives a hint to who asks for it.
func (s *Session) choose(ctx context.Context, prompt, hint string, known func(word string) bool) error {
	for {
		word, err := s.ask(ctx, prompt)
		switch {
		case err != nil:
			return err
		case known(word):
			return nil
		case word == "h" || word == "hint" || word == "?":
			s.Out.Paragraph(hint)
		default:
			s.Out.Paragraph(fmt.Sprintf("%q is none of the answers.", word))
		}
	}
}

// cannot says that the environment is in the way; the same step comes again.
func (s *Session) cannot(ctx context.Context, doc record.Run) error {
	why := doc.Reason
	for _, o := range doc.Steps {
		why += o.Why()
	}
	s.Out.Coloured(tell.Red, "This cannot be seen here and now: "+why)
	_, err := s.ask(ctx, "Enter = try again, q = leave")
	return err
}

// explain compares each guess with what happened, and says why, right or wrong.
func (s *Session) explain(guesses map[string]choice, o run.Outcome) Score {
	var score Score
	s.Out.Say("")
	for _, q := range questions {
		letter, why := q.truth(o)
		color, sign := "", "–"
		switch letter {
		case "": // nobody can say
		case guesses[q.id].letter:
			color, sign = tell.Green, "✓"
			score.Asked, score.Right = score.Asked+1, score.Right+1
		default:
			color, sign = tell.Red, "✗"
			score.Asked++
		}
		s.Out.Coloured(color, sign+" "+q.text+" You said: "+guesses[q.id].text+".")
		s.Out.Indented("  ", why)
	}
	return score
}

// next waits for the learner: again, on, or away.
func (s *Session) next(ctx context.Context, step table.Step) (again bool, err error) {
	enter := "go on"
	if step.Name == s.Steps[len(s.Steps)-1].Name {
		enter = "finish"
	}
	hint := "There is nothing left to guess here: the reasons are above, and more of them in steps/" + step.Name + "/README.md."
	err = s.choose(ctx, "Enter = "+enter+", a = this step again, q = leave", hint, func(word string) bool {
		again = word == "a" || word == "again"
		return again || word == "" || word == "n" || word == "next"
	})
	return again, err
}

// farewell is said to who leaves in the middle of steps[at].
func (s *Session) farewell(at int) {
	s.Out.Say("")
	if i := s.Progress.Next(s.Steps); i >= 0 {
		words := "Your progress is kept. `" + program.Call() + " learn` goes on with step " + s.Steps[i].Number() + "."
		if i != at {
			words += " Back to this one: `" + program.Call() + " learn --step " + s.Steps[at].Number() + "`."
		}
		s.Out.Paragraph(words)
		return
	}
	s.finished()
}

func (s *Session) finished() {
	var all Score
	for _, step := range s.Steps {
		score := s.Progress.Steps[step.Name]
		all.Right, all.Asked = all.Right+score.Right, all.Asked+score.Asked
	}
	s.Out.Paragraph(fmt.Sprintf("That was the last step. You have guessed %d of %d right.", all.Right, all.Asked))
	s.Out.Paragraph("Now write it yourself: copy workshop/start, edit its Dockerfile, and ask `" + program.Call() + " check DIR`.")
}

// latest keeps the last of what a run says until somebody waits for it: before, it would be written into the prompt.
type latest chan string

// Say puts a sentence in the place of the one before.
func (l latest) Say(sentence string) {
	select {
	case <-l:
	default:
	}
	select {
	case l <- sentence:
	default:
	}
}

// Step is told what the engine is doing.
func (l latest) Step(e run.Event) {
	if e.Doing == run.Building {
		l.Say("the container engine is building " + e.Step)
	}
}
