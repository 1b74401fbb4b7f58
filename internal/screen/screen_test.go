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
