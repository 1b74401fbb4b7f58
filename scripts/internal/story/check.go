package story

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/scripts/internal/check"
	"optimizing-dockerfile/scripts/internal/excerpt"
	"optimizing-dockerfile/scripts/internal/record"
	"optimizing-dockerfile/scripts/internal/self"
)

// same says whether two goals cannot be judged for one reason: that is said once.
func same(a, b check.Goal) bool { return a.Met == nil && b.Met == nil && a.Proof == b.Proof }

// Check tells of each goal whether a Dockerfile meets it, with the proof.
func (t *Terminal) Check(r *check.Report) {
	met := 0
	for i, goal := range r.Goals {
		sign, word, color := "?", "cannot tell", dim
		switch {
		case goal.Met != nil && *goal.Met:
			sign, word, color = "✓", "yes", green
			met++
		case goal.Met != nil:
			sign, word, color = "✗", "no", red
		}
		t.say(t.paint(color, fmt.Sprintf("%s %s%s", sign, padRight(goal.ID, nameWidth), word)))
		if i+1 < len(r.Goals) && same(goal, r.Goals[i+1]) {
			continue // the proof comes behind the last of them
		}
		if goal.ID == check.Starts && goal.Met != nil && !*goal.Met {
			t.paragraph("    ", "The engine says: "+excerpt.Last(record.Normalise(r.Said), 1))
		}
		for line := range strings.Lines(goal.Proof) {
			t.paragraph("    ", line)
		}
		if goal.Hint != "" {
			t.paragraph("    ", "Hint: "+goal.Hint)
		}
	}
	for _, note := range r.Notes {
		t.paragraph("", "Note: "+note+".")
	}
	if !r.Met && r.Image != "" {
		t.paragraph("", "To look into the image: "+self.Call()+" doctor "+r.Image)
	}
	switch {
	case r.Met:
		t.coloured(green, fmt.Sprintf("All %d goals are met.", met))
	case r.Reason != "":
		t.coloured(red, "This environment cannot tell, for the reason above.")
	default:
		t.coloured(red, fmt.Sprintf("%d of %d goals are met.", met, len(r.Goals)))
	}
}
