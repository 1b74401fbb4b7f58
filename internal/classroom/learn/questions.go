package learn

import (
	"cmp"
	"fmt"
	"strings"

	"optimizing-dockerfile/internal/lesson/run"
	"optimizing-dockerfile/internal/lesson/table"
	"optimizing-dockerfile/internal/lesson/tell"
)

// question is something to guess about a step before it has run.
type question struct {
	id      string
	text    string
	choices []choice
	// after is the question that this one takes for answered with yes: who said no supposes it; "" none.
	after, suppose string
	// general is the hint where the step has none of its own.
	general string
	own     func(table.Hints) string
	// truth gives the right choice and why, from what really happened; "" where that does not tell.
	truth func(o run.Outcome) (letter, why string)
}

type choice struct{ letter, text string }

var yesNo = []choice{{"y", "yes"}, {"n", "no"}}

// questions are the same at every step: the answers are not.
var questions = []question{
	{
		id: "builds", text: "Will it build?", choices: yesNo,
		general: "Take the instructions one by one: does what each one names exist at that moment, in that stage?",
		own:     func(h table.Hints) string { return h.Builds },
		truth: func(o run.Outcome) (string, string) {
			if o.Image == nil {
				return "n", "It does not build: " + strings.TrimSpace(o.Cause+" "+o.Detail) + "."
			}
			return "y", "It builds: every instruction found what it needs while building. That says nothing about a start."
		},
	},
	{
		id: "starts", text: "Will it start, and answer?", choices: yesNo,
		after: "builds", suppose: "Suppose that it builds.",
		general: "What must lie in the image before the first line of the program can run?",
		own:     func(h table.Hints) string { return h.Starts },
		truth: func(o run.Outcome) (string, string) {
			switch {
			case o.Outcome == table.Runs:
				return "y", "It starts: the echo came back over HTTP."
			case o.Image != nil && o.Outcome == table.Fails:
				return "n", "It does not: " + tell.Failure(o) + "."
			}
			return "", "There is nothing to start."
		},
	},
	{
		id: "user", text: "As whom will the program run?",
		choices: []choice{{"r", "root"}, {"u", "a user other than root"}},
		after:   "starts", suppose: "Suppose that it starts.",
		general: "Look for USER in the last stage. One in a stage before it is for that stage alone.",
		own:     func(h table.Hints) string { return h.User },
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
		after:   "builds", suppose: "Suppose that it builds.",
		general: "Only the last stage becomes the image: what its FROM brings, and what is copied in.",
		own:     func(h table.Hints) string { return h.Size },
		truth: func(o run.Outcome) (string, string) {
			if o.Image == nil {
				return "", "There is no image."
			}
			why := fmt.Sprintf("It is %s.", table.Size(o.Image.Bytes))
			if o.Image.Binary > 0 {
				why = fmt.Sprintf("It is %s, and %s of that is the program.", table.Size(o.Image.Bytes), table.Size(o.Image.Binary))
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

// root says whether a user, as an image or a process has it, is root: by name, by
// number, or by not being named at all.
func root(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}

// hint says where to look.
func (q question) hint(step table.Step) string { return cmp.Or(q.own(step.Hints), q.general) }

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

// answer is the text of a choice.
func (q question) answer(letter string) string {
	for _, c := range q.choices {
		if c.letter == letter {
			return c.text
		}
	}
	return letter
}

// prompt is the question after the guesses so far.
func (q question) prompt(guesses map[string]string) string {
	var words []string
	for _, c := range q.choices {
		words = append(words, c.letter+" = "+c.text)
	}
	text := q.text
	if q.after != "" && guesses[q.after] != "y" {
		text = q.suppose + " " + text
	}
	return text + " (" + strings.Join(words, ", ") + ", h = hint, q = leave)"
}
