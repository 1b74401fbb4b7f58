package check

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// saidBy is who speaks where a start, or an answer, does not come.
var saidBy = map[string]string{Starts: "The engine says", Answers: "The program's last words"}

// same says whether two goals cannot be judged for one reason: that is said once.
func same(a, b Goal) bool { return a.Met == nil && b.Met == nil && a.Proof == b.Proof }

// Tell tells of each goal whether a Dockerfile meets it, and of one that it does not the engine's words and a hint:
// the cause is for the learner to find. With why it gives the proof, too.
func Tell(t *tell.Terminal, r *Report, why bool) {
	met := 0
	for i, goal := range r.Goals {
		sign, word, color := "?", "cannot tell", tell.Dim
		switch {
		case goal.IsMet():
			sign, word, color = "✓", "yes", tell.Green
			met++
		case goal.Missed():
			sign, word, color = "✗", "no", tell.Red
		}
		t.Say(t.Paint(color, fmt.Sprintf("%s %s%s", sign, tell.PadRight(goal.ID, 20), word)))
		if i+1 < len(r.Goals) && same(goal, r.Goals[i+1]) {
			continue // the proof comes behind the last of them
		}
		missed := goal.Missed()
		if missed && r.Said != "" && (goal.ID == Starts || goal.ID == Answers) {
			t.Indented("    ", saidBy[goal.ID]+": "+lastWords(record.Normalise(r.Said)))
		}
		if why || goal.Met == nil || missed && goal.ID != Starts && goal.ID != Answers {
			for line := range strings.Lines(goal.Proof) {
				t.Indented("    ", line)
			}
		}
		if goal.Hint != "" {
			t.Indented("    ", "Hint: "+goal.Hint)
		}
	}
	for _, note := range r.Notes {
		t.Indented("", "Note: "+note+".")
	}
	if !r.Met && r.Image != "" {
		t.Say("To look into the image:")
		t.Say("  " + screen.Harmless(program.Call()+" doctor --no-fix "+r.Image)) // in one line, to be pasted
		if !why {
			t.Indented("", "The proof of each: the same again with --why")
		}
	}
	switch {
	case r.Solves != nil && r.Solves.Met && !r.Met:
		t.Coloured(tell.Green, fmt.Sprintf("The exercise is solved: the program answers, and `%s` is met. (Of the article's goals, %d of %d.)",
			r.Solves.Goal, met, len(r.Goals)))
	case r.Met:
		t.Coloured(tell.Green, fmt.Sprintf("All %d goals are met.", met))
	case r.Reason != "":
		t.Coloured(tell.Red, "This environment cannot tell, for the reason above.")
	default:
		t.Coloured(tell.Red, fmt.Sprintf("%d of %d goals are met.", met, len(r.Goals)))
	}
}
