//go:build unix

package faults

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"optimizing-dockerfile/test/tool"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pipe, a device: none of them has an end, and none is read.
func TestWhatIsNoFileIsNotWaitedFor(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	dir := t.TempDir()
	pipe, device := filepath.Join(dir, "pipe"), filepath.Join(dir, "device")
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "Dockerfile"), 0o600))
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink("/dev/zero", device))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"check", dir}, "no regular file"},
		{[]string{"check", device}, "no regular file"},
		{[]string{"serve", pipe}, "not a regular file"},
		{[]string{"doctor", pipe}, "not a regular file"},
		{[]string{"doctor", device}, "not a regular file"},
	} {
		status, _, complaint := tool.Run(t, "", c.args...)
		assert.NotZero(t, status, c.args)
		assert.Contains(t, complaint, c.says, c.args)
	}
}

// A folder that is there is no image of an engine's.
func TestAFolderThatIsNoLayout(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "x/y/dd"), 0o755))
	for _, ref := range []string{"x/y/dd", "./x/y/dd", "x"} {
		status, _, complaint := tool.Run(t, dir, "doctor", ref)
		assert.Equal(t, tool.Environment, status, ref)
		assert.Contains(t, complaint, "it is no OCI layout", ref)
		assert.Contains(t, complaint, "docker save -o", ref)
	}
}

// Whoever closes the terminal under the pasted line leaves nothing behind.
func TestAClosedTerminalLeavesNothing(t *testing.T) {
	_, url, _ := tool.Serving(t, 1000)
	home, bin := t.TempDir(), t.TempDir()
	// A download that does not come to its end.
	require.NoError(t, os.WriteFile(filepath.Join(bin, "curl"), []byte("#!/bin/sh\necho here\nexec sleep 60\n"), 0o755))
	for _, shell := range []string{"dash", "bash", "sh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		_, text := raw(t, url, "GET /get.sh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 1<<20)
		assert.Contains(t, string(text), "load --sha256 ")
		command := exec.Command(path, "-c", string(text))
		command.Dir, command.Env = home, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		said, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		_, err = said.Read(make([]byte, 4))
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(-command.Process.Pid, syscall.SIGHUP))
		done := make(chan error, 1)
		go func() { done <- command.Wait() }()
		select {
		case err = <-done:
		case <-time.After(time.Minute):
			t.Fatal("it goes on")
		}
		var exit *exec.ExitError
		assert.True(t, errors.As(err, &exit), shell)
		left, err := filepath.Glob(filepath.Join(home, ".optimizing-dockerfile-*"))
		require.NoError(t, err)
		assert.Empty(t, left, shell)
	}
}
