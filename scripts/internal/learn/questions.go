package learn

import (
	"fmt"
	"strings"

	"optimizing-dockerfile/scripts/internal/lesson"
	"optimizing-dockerfile/scripts/internal/story"
	"optimizing-dockerfile/scripts/internal/trial"
)

// question is something to guess about a step before it has run.
type question struct {
	text    string
	choices []choice
	// asked says whether it makes sense after the guesses so far.
	asked func(guesses map[string]string) bool
	id    string
	// truth gives the right choice and why, from what really happened; "" where that does not tell.
	truth func(o trial.Outcome) (letter, why string)
}

type choice struct{ letter, text string }

var yesNo = []choice{{"y", "yes"}, {"n", "no"}}

// questions are the same at every step: the answers are not.
var questions = []question{
	{
		id: "builds", text: "Will it build?", choices: yesNo,
		asked: func(map[string]string) bool { return true },
		truth: func(o trial.Outcome) (string, string) {
			if o.Image == nil {
				return "n", "It does not build: " + strings.TrimSpace(o.Cause+" "+o.Detail) + "."
			}
			return "y", "It builds: every instruction found what it needs while building. That says nothing about a start."
		},
	},
	{
		id: "starts", text: "Will it start, and answer?", choices: yesNo,
		asked: func(g map[string]string) bool { return g["builds"] == "y" },
		truth: func(o trial.Outcome) (string, string) {
			switch {
			case o.Outcome == lesson.Runs:
				return "y", "It starts: the echo came back over HTTP."
			case o.Outcome == lesson.Fails:
				return "n", "It does not: " + story.Failure(o) + "."
			}
			return "", ""
		},
	},
	{
		id: "user", text: "As whom will the program run?",
		choices: []choice{{"r", "root"}, {"u", "a user other than root"}},
		asked:   func(g map[string]string) bool { return g["starts"] == "y" },
		truth: func(o trial.Outcome) (string, string) {
			switch {
			case o.Outcome != lesson.Runs:
				return "", "As no user at all: it does not start."
			case strings.HasPrefix(o.User, "0:"):
				return "r", "As " + o.User + ", root: the last stage says nothing about a user."
			}
			return "u", "As " + o.User + ": the last stage has a USER."
		},
	},
	{
		id: "size", text: "How large will the image be?",
		choices: []choice{{"a", "about 10 MB"}, {"b", "about 50 MB"}, {"c", "200 MB or more"}},
		asked:   func(g map[string]string) bool { return g["builds"] == "y" },
		truth: func(o trial.Outcome) (string, string) {
			if o.Image == nil {
				return "", "There is no image."
			}
			why := fmt.Sprintf("It is %s.", lesson.Size(o.Image.Bytes))
			if o.Image.Binary > 0 {
				why = fmt.Sprintf("It is %s, and %s of that is the program.", lesson.Size(o.Image.Bytes), lesson.Size(o.Image.Binary))
			}
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

// read understands an answer to a question: a choice's letter, or the beginning of its text.
func (q question) read(word string) (letter string, ok bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	for _, c := range q.choices {
		if word == c.letter || len(word) > 1 && strings.HasPrefix(c.text, word) {
			return c.letter, true
		}
	}
	return "", false
}

// said is the text of a choice.
func (q question) said(letter string) string {
	for _, c := range q.choices {
		if c.letter == letter {
			return c.text
		}
	}
	return letter
}

// prompt is the question in one line.
func (q question) prompt() string {
	var words []string
	for _, c := range q.choices {
		words = append(words, c.letter+" = "+c.text)
	}
	return q.text + " (" + strings.Join(words, ", ") + ", h = hint, q = leave)"
}
