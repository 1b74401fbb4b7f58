package check

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/program"
	"optimizing-dockerfile/internal/screen"
)

// saidBy is who speaks where a start, or an answer, does not come.
var saidBy = map[string]string{Starts: "The engine says", Answers: "The program's last words"}

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
		t.Say(t.Paint(color, fmt.Sprintf("%s %-20s%s", sign, goal.ID, word)))
		if rest := r.Goals[i+1:]; goal.Met == nil && len(rest) > 0 && rest[0].Met == nil && rest[0].Proof == goal.Proof {
			continue // one reason why several cannot be judged is said once, behind the last of them
		}
		if goal.Missed() && r.Said != "" && saidBy[goal.ID] != "" {
			t.Indented("    ", saidBy[goal.ID]+": "+lastWords(record.Normalise(r.Said)))
		}
		if why || goal.Met == nil || goal.Missed() && saidBy[goal.ID] == "" {
			t.Indented("    ", goal.Proof)
		}
		if goal.Hint != "" {
			t.Indented("    ", "Hint: "+goal.Hint)
		}
	}
	for _, note := range r.Notes {
		t.Paragraph("Note: " + note + ".")
	}
	if !r.Met && r.Image != "" {
		t.Say("To look into the image:")
		t.Say("  " + screen.Harmless(program.Call()+" doctor --no-fix "+r.Image)) // in one line, to be pasted
		if !why {
			t.Paragraph("The proof of each: the same again with --why")
		}
	}
	switch {
	case r.Solves != nil && r.Solves.Met && !r.Met:
		t.Coloured(tell.Green, fmt.Sprintf("The exercise is solved: the program answers, and `%s` is met. "+
			"(Of the article's goals, %d of %d.)", r.Solves.Goal, met, len(r.Goals)))
	case r.Met:
		t.Coloured(tell.Green, fmt.Sprintf("All %d goals are met.", met))
	case r.Reason != "":
		t.Coloured(tell.Red, "This environment cannot tell, for the reason above.")
	default:
		t.Coloured(tell.Red, fmt.Sprintf("%d of %d goals are met.", met, len(r.Goals)))
	}
}

// place notes of each goal that is not met the line of the Dockerfile that it is about: where the
// last stage says what is judged, else where that stage begins.
func (r *Report) place(file string, d *dockerfile.File) {
	r.File = file
	for i := range r.Goals {
		goal := &r.Goals[i]
		if goal.IsMet() {
			continue
		}
		goal.Line = 1
		about := facts.Instructions[goal.ID]
		failed := false // that instruction was passed
		for _, in := range d.Instructions {
			text := in.Word + " " + in.Rest
			its := goal.ID == Builds && strings.Contains(goal.Proof, text) || about != nil && about.MatchString(text)
			failed = failed || its && goal.ID == Builds
			if its || in.Word == "FROM" && !failed {
				goal.Line = in.Line()
			}
		}
	}
}

// GitHub writes what is not met as commands of GitHub's workflows, which put it beside the Dockerfile's lines.
func GitHub(r *Report) string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var out strings.Builder
	for _, goal := range r.Goals {
		if goal.Missed() {
			fmt.Fprintf(&out, "::error file=%s,line=%d,title=%s::%s\n", property.Replace(filepath.ToSlash(r.File)), goal.Line,
				property.Replace(goal.ID+" is not met"), data.Replace(goal.sentence()))
		} else if !goal.IsMet() {
			fmt.Fprintf(&out, "::warning title=%s::%s\n", property.Replace(goal.ID+" cannot be told"), data.Replace(goal.Proof))
		}
	}
	return out.String()
}

func (g Goal) sentence() string { return strings.TrimSuffix(g.Proof+"\n"+g.Hint, "\n") }

// SARIF gives what is not met as a log of SARIF 2.1.0 (OASIS).
func SARIF(r *Report) any {
	type object = map[string]any
	text := func(s string) object { return object{"text": s} }
	rules, results := []object{}, []object{}
	for i, goal := range r.Goals {
		rules = append(rules, object{"id": goal.ID, "shortDescription": text("The goal `" + goal.ID + "` of \"Optimizing Dockerfile\"")})
		if goal.IsMet() {
			continue
		}
		result := object{"ruleId": goal.ID, "ruleIndex": i, "message": text(goal.sentence()), "level": "error"}
		if goal.Met == nil {
			result["kind"], result["level"] = "open", "none"
		}
		if r.File != "" {
			uri := (&url.URL{Path: filepath.ToSlash(r.File)}).EscapedPath()
			result["locations"] = []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": uri}, "region": object{"startLine": max(1, goal.Line)}}}}
		}
		results = append(results, result)
	}
	return object{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": []object{{
		"tool":        object{"driver": object{"name": "optimizing-dockerfile", "rules": rules}},
		"invocations": []object{{"executionSuccessful": r.Reason == ""}},
		"results":     results,
	}}}
}
