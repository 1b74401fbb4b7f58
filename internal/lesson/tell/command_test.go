package tell

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is printed is pasted: a shell takes each word for what it is.
func TestAWordStaysOne(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("it takes a POSIX shell")
	}
	for _, word := range []string{"plain", "it's", "a b", `"`, "$HOME", "", "a;b", "*", `\`} {
		out, err := exec.Command("sh", "-c", "printf %s "+Word(word)).Output()
		require.NoError(t, err, word)
		assert.Equal(t, word, string(out))
	}
}
