package learn

import (
	"cmp"
	"strings"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
	"optimizing-dockerfile/internal/screen"
)

// question is something to guess about a step before it has run.
type question struct {
	id      string
	text    string
	choices []choice
	// after is the question that this one takes for answered with yes: who said no supposes it; "" none.
	after string
	hint  string // where to look
	// truth gives the right choice and why, from what really happened; "" where that does not tell.
	truth func(o run.Outcome) (letter, why string)
}

type choice struct{ letter, text string }

var yesNo = []choice{{"y", "yes"}, {"n", "no"}}

// questions are the same at every step: the answers are not.
var questions = []question{
	{
		id: "builds", text: "Will it build?", choices: yesNo,
		hint: "Take the instructions one by one: does what each one names exist at that moment, in that stage?",
		truth: func(o run.Outcome) (string, string) {
			if o.Image == nil {
				return "n", "It does not build: " + tell.Happened(o) + "."
			}
			return "y", "It builds: every instruction found what it needs while building. That says nothing about a start."
		},
	},
	{
		id: "starts", text: "Will it start, and answer?", choices: yesNo,
		after: "builds",
		hint:  "What must lie in the image before the first line of the program can run?",
		truth: func(o run.Outcome) (string, string) {
			switch {
			case o.Outcome == table.Runs:
				return "y", "It starts: the echo came back over HTTP."
			case o.Image != nil && o.Outcome == table.Fails:
				return "n", "It does not: " + tell.Happened(o) + "."
			}
			return "", "There is nothing to start."
		},
	},
	{
		id: "user", text: "As whom will the program run?",
		choices: []choice{{"r", "root"}, {"u", "a user other than root"}},
		after:   "starts",
		hint:    "Look for USER in the last stage. One in a stage before it is for that stage alone.",
		truth: func(o run.Outcome) (string, string) {
			if o.Image == nil {
				return "", "There is nothing to run."
			}
			who, letter, why := cmp.Or(o.Image.User, "root"), "u", "the last stage has a USER"
			if root(cmp.Or(o.User, o.Image.User)) {
				letter, why = "r", "the last stage says nothing about a user"
			}
			if o.Outcome == table.Runs {
				return letter, "As " + cmp.Or(o.User, who) + ", " + who + ": " + why + "."
			}
			return letter, "Nobody runs it, as it does not start. If it did: " + who + ", as " + why + "."
		},
	},
	{
		id: "size", text: "How large will the image be?",
		choices: []choice{{"a", "about 10 MB"}, {"b", "about 50 MB"}, {"c", "200 MB or more"}},
		after:   "builds",
		hint:    "Only the last stage becomes the image: what its FROM brings, and what is copied in.",
		truth: func(o run.Outcome) (string, string) {
			if o.Image == nil {
				return "", "There is no image."
			}
			why := "It is " + screen.Size(o.Image.Bytes)
			if o.Image.Binary > 0 {
				why += ", and " + screen.Size(o.Image.Binary) + " of that is the program"
			}
			why += "."
			switch {
			case o.Image.Bytes < 25_000_000:
				return "a", why
			case o.Image.Bytes < 125_000_000:
				return "b", why
			}
			return "c", why
		},
	},
}

// root says whether a user, as an image or a process has it, is root: by name, by
// number, or by not being named at all.
func root(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}

// read understands an answer to a question: a choice's letter, or the beginning of its text; the zero choice is none.
func (q question) read(word string) choice {
	for _, c := range q.choices {
		if word == c.letter || len(word) > 1 && strings.HasPrefix(c.text, word) {
			return c
		}
	}
	return choice{}
}

// prompt is the question after the guesses so far.
func (q question) prompt(guesses map[string]choice) string {
	text := q.text + " ("
	if q.after != "" && guesses[q.after].letter != "y" {
		text = "Suppose that it " + q.after + ". " + text
	}
	for _, c := range q.choices {
		text += c.letter + " = " + c.text + ", "
	}
	return text + "h = hint, q = leave)"
}
