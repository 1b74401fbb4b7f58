package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/doctor/image"
	"optimizing-dockerfile/internal/engine/source"
	"optimizing-dockerfile/test/engines"
)

var oddNames = []string{"plain", "my app", `it's "q"`, `a\b`, "$HOME", "`id`;#", "-v", "a*b?[c]", "<b>&amp;", "ü→", "!x", "a=b", "{c,d}"}

// A fix is pasted: the real builder takes each odd name for what it is.
func TestCOPYTakesEveryNameAsOneWord(t *testing.T) {
	ctx := context.Background()
	e := engines.Engine(t)
	dir, text := t.TempDir(), "FROM scratch\n"
	for _, name := range oddNames {
		text += "COPY " + copyWords("source", "/"+name) + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "source"), []byte("x"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
	id, err := e.Output(ctx, "build", "--quiet", dir)
	require.NoError(t, err, text)
	id = strings.Fields(id)[len(strings.Fields(id))-1]
	defer e.Output(ctx, "rmi", id)
	img, err := source.FromEngine(ctx, e, id)
	require.NoError(t, err)
	defer img.Close()
	var held []string
	require.NoError(t, image.Walk(img, func(entry image.Entry) error {
		held = append(held, strings.TrimPrefix(entry.Path, "/"))
		return nil
	}))
	assert.Subset(t, held, oddNames)
	assert.Len(t, held, len(oddNames), "%q", held)
}

// And so does the shell of RUN; a control character is matched by a pattern.
func TestAShellTakesEveryNameAsOneWord(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it takes a POSIX shell")
	}
	for _, name := range append(oddNames, "a\nRUN evil", "\x1b[31m", "\t") {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644))
		word := shellWord("./" + name)
		assert.NotContains(t, word, "\n")
		out, err := exec.Command("sh", "-c", fmt.Sprintf("cd '%s' && cat -- %s", dir, word)).CombinedOutput()
		assert.NoError(t, err, "%s: %s", word, out)
		assert.Equal(t, name, string(out))
	}
	script := "1s|.*|" + sedText.Replace(`#!/a|b&c\d`) + "|"
	sed := exec.Command("sh", "-c", "sed "+shellWord(script))
	sed.Stdin = strings.NewReader("#!/old\n")
	out, err := sed.Output()
	require.NoError(t, err)
	assert.Equal(t, "#!/a|b&c\\d\n", string(out))
}
