package tool

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"optimizing-dockerfile/internal/classroom/bundle"
)

// Megabyte is that many bytes.
const Megabyte = 1_000_000

// Serving starts `steps serve` on a bundle of some size; the process is the real one.
func Serving(t *testing.T, bytes int64) (file, url string, server *exec.Cmd) {
	file = filepath.Join(t.TempDir(), "optimizing-dockerfile.tar")
	out, err := os.Create(file)
	require.NoError(t, err)
	noise := make([]byte, bytes)
	rand.Read(noise)
	program := bundle.Tool{OS: "linux", Arch: "amd64", File: "bin/steps-linux-amd64"}
	image := bundle.Base{ID: "article", Image: "optimizing-dockerfile/base:1", Arch: "amd64", File: "images/article-amd64.tar.gz"}
	require.NoError(t, bundle.Write(out, bundle.Manifest{Tools: []bundle.Tool{program}, Bases: []bundle.Base{image}}, []bundle.File{
		bundle.InMemory(program.File, []byte("the tool")), bundle.InMemory(image.File, noise),
	}))
	require.NoError(t, out.Close())

	server = Program(t, "serve", file, "--addr", "127.0.0.1:0")
	return file, Address(t, server), server
}

// Address starts `serve` and returns the URL that it names.
func Address(t *testing.T, server *exec.Cmd) string {
	server.Stderr = os.Stderr
	said, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	named := regexp.MustCompile(`^ +(http://127\.0\.0\.1:\d+)$`)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if m := named.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, said)
			return m[1]
		}
	}
	t.Fatal("serve named no address")
	return ""
}

// PeakMemory is the most that a process ever had in memory at once.
func PeakMemory(t *testing.T, pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	require.NotNil(t, m)
	kilobytes, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(t, err)
	return kilobytes * 1024
}
