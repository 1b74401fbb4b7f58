package check

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"optimizing-dockerfile/internal/dockerfile"
	"optimizing-dockerfile/internal/doctor"
	"optimizing-dockerfile/internal/lesson/record"
	"optimizing-dockerfile/internal/lesson/run"
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
		t.Coloured(tell.Green, fmt.Sprintf("The exercise is solved: the program answers, and `%s` is met. (Of the article's goals, "+
			"%d of %d.)",
			r.Solves.Goal, met, len(r.Goals)))
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
		failed := false // that instruction was passed
		for _, in := range d.Instructions {
			about := goal.isAbout(in)
			failed = failed || about && goal.ID == Builds
			if about || in.Word == "FROM" && !failed {
				goal.Line = in.Line()
			}
		}
	}
}

func (g Goal) isAbout(in dockerfile.Instruction) bool {
	switch g.ID {
	case Builds: // the one that failed, by its own words
		return strings.Contains(g.Proof, in.Word+" "+in.Rest)
	case Starts, Answers:
		return in.Word == "ENTRYPOINT" || in.Word == "CMD"
	case NotRoot:
		return in.Word == "USER"
	case AccountsReadOnly:
		return (in.Word == "COPY" || in.Word == "ADD") && (strings.Contains(in.Rest, "passwd") || strings.Contains(in.Rest, "group"))
	}
	return false
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

// userSet is a USER that is named, and is root.
const userSet = "user-set"

// A hint points at where to look; what to write there is the learner's to find.
var hints = map[string]map[string]string{
	Builds: {
		run.CommandNotFound: "Which image does that instruction run in? A command can only run where its program lies.",
		run.ToolchainTooOld: "Two numbers are in its words: the Go that go.mod asks for, and the Go that the image has. Which of the " +
			"two can you change?",
		run.VCSStatus: "Go wants to write the commit into the program, and asks git. Whose are the files, who compiles, and does " +
			".git have to be there?",
		run.CompileError: "The compiler names the file and the line. Was all of the program copied before this instruction?",
		"": "Read the failed instruction alone: does every path, name and number in it exist at that point, and may " +
			"that user write there?",
	},
	Starts: {
		string(doctor.MissingShell): "Who is asked to run your command? Compare the two forms of ENTRYPOINT: one of them needs a " +
			"program that this image lacks.",
		string(doctor.MissingLoader): "The file that is missing is not the program; something inside the program asks for it. What " +
			"made the compiler put that in? (section after “Using …” in the article)",
		string(doctor.MissingLibrary): "The program needs a library that stayed in the other stage. Either it comes along, or the " +
			"program learns to do without.",
		string(doctor.UnknownUser): "A name means something only to whoever can look it up. What does the engine read in this " +
			"image to turn it into a number?",
		string(doctor.UnknownGroup): "A group's name is looked up as a user's is, in a file of its own. Is it in the image?",
		string(doctor.MissingEntrypoint): "Compare two paths letter by letter: where COPY puts the program, and what ENTRYPOINT or CMD " +
			"asks for.",
		string(doctor.NotOnPath): "A name without a slash is looked for in the folders of PATH. Does the program lie in one " +
			"of them?",
		string(doctor.NotExecutable): "Look at the file's mode. Where did it lose the x, or why did it never have it?",
		string(doctor.UserCannotExecute): "Look at the owner and the mode of the program, and of the folders on the way to it. Who may " +
			"do what?",
		string(doctor.IsDirectory):        "What is named is a folder. A COPY to a path that is a folder puts the file into it.",
		string(doctor.NoCommand):          "The image does not say what to run. Which instruction of the last stage does?",
		string(doctor.WrongArchitecture):  "For which machine was it compiled? Look at GOARCH, and at --platform.",
		string(doctor.ExecFormat):         "Is this file a program at all? Look at its first bytes and at its size.",
		string(doctor.MissingInterpreter): "It is a script, and its first line names a program. Is that one in the image?",
		"":                                "Ask the doctor about this image: it knows what a start needs, and says what it looked at.",
	},
	Answers: {
		run.LoopbackOnly: "It listens, but at an address that means “this machine” to the program, and inside a container the program's " +
			"machine is the container. At which address must it listen so that others reach it?",
		run.NoAnswer: "It runs, but nobody listens on port 8080. Which port does the program take, and what in the Dockerfile could " +
			"change that?",
		run.WrongAnswer: "Something answers, but not the echo. Is this the program that you mean to run, and is it unchanged?",
		run.Exited:      "It started, and gave up by itself. Its own last words tell why: an argument, a variable, a file?",
	},
	NotRoot: {
		userSet: "The word USER is there, and what it comes to is user 0 all the same. Which number does the name stand for, and in " +
			"which file; or is it a group alone?",
		"": "An image without a word about it runs as root; what an earlier stage said does not count. The article's last section " +
			"is about this.",
	},
	Small: {"": "Every instruction of the last stage that brings files adds a layer, and no later one takes bytes back. " +
		"Which of them bring more than the program?"},
	NothingExtra: {"": "Look at what each COPY of the last stage brings, and at what it starts FROM. What of it does the running " +
		"program use?"},
	AccountsReadOnly: {"": "A program that is taken over must not be able to rewrite who is who. Who owns the account files, and who " +
		"their folder?"},
}
