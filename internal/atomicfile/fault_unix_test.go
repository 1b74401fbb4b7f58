//go:build unix

package atomicfile

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"optimizing-dockerfile/test/faults"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writer names the folder in which this test binary writes a file for ever, in turn
// the one content and the other.
const writer = "WRITE_FOR_EVER_IN"

var versions = [][]byte{bytes.Repeat([]byte("old\n"), 1<<18), bytes.Repeat([]byte("new content\n"), 1<<17)}

func TestMain(m *testing.M) {
	for i := 0; os.Getenv(writer) != ""; i++ {
		dir := os.Getenv(writer)
		if err := Write(filepath.Join(dir, "file"), versions[i%2], dir); err != nil {
			panic(err)
		}
		if i == 0 {
			os.Stdout.WriteString("writing\n")
		}
	}
	os.Exit(m.Run())
}

// A file that is killed while it is written is the old one or the new one, and
// the next writing leaves nothing else there.
func TestFaultKilledWhileWriting(t *testing.T) {
	moments := 50
	if faults.Wanted() {
		moments = 500
	}
	chance := faults.Random(t)
	dir := t.TempDir()
	require.NoError(t, Write(filepath.Join(dir, "file"), versions[0], dir))
	cut := 0
	for range moments {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), writer+"="+dir)
		began, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		began.Read(make([]byte, 1))
		time.Sleep(time.Duration(chance.IntN(10_000)) * time.Microsecond)
		command.Process.Kill()
		command.Wait()
		text, err := os.ReadFile(filepath.Join(dir, "file"))
		require.NoError(t, err)
		require.True(t, bytes.Equal(text, versions[0]) || bytes.Equal(text, versions[1]), "%d bytes, neither the old "+
			"nor the new", len(text))
		left, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
		cut += len(left)
	}
	assert.NotZero(t, cut, "no moment was in the middle")
	require.NoError(t, Write(filepath.Join(dir, "file"), versions[0], dir))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 1)
	faults.Row(t, "kill -9 while a record is written", "%d moments, %d of them in the middle of a file; half-written 0, "+
		"left over 0", moments, cut)
}
