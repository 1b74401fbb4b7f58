package screen

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExcerpts(t *testing.T) {
	assert.Equal(t, "a b c", Line(" a\n\tb  c\r\n"))
	assert.Equal(t, "c", Last("a\nb\n c \n\n", 1))
	assert.Equal(t, "b c", Last("a\nb\nc", 2))
	assert.Equal(t, "a", Last("a", 5))
	assert.Empty(t, Last("", 1))
	assert.Equal(t, "äö…", Short("äöüß", 3))
	assert.Equal(t, "äöüß", Short("äöüß", 4))
}

func TestWhatSteersATerminalIsShownNotSent(t *testing.T) {
	for text, shown := range map[string]string{
		"as it is: ü → 漢\n\tand so on": "as it is: ü → 漢\n\tand so on",
		"\x1b]0;title\a\x1b[2J":        "␛]0;title␇␛[2J",
		"back\r\b\x00":                 "back␍␈␀",
		"\u009b31m\x7f":                "·31m·",
		"\xff\x9b31m":                  "··31m", // no UTF-8, and a C1 control to a terminal of eight bits
		"\u202egpj.exe\u2066":          "·gpj.exe·",
	} {
		assert.Equal(t, shown, Harmless(text))
	}
}
