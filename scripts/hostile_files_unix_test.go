//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// full is a disk without a free byte.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// What could not be written is the environment's fault, whichever verb wrote it.
func TestAFullDiskIsNeverASuccess(t *testing.T) {
	good, _ := archives(t)
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	for _, args := range [][]string{{"diff", "3"}, {"--help"}, {"run", "--help"}, {"doctor", good}, {"check", "workshop/start"}} {
		t.Chdir("..")
		var complaint strings.Builder
		assert.Equal(t, exitEnvironment, run(context.Background(), args, full{}, &complaint), args)
		assert.Contains(t, complaint.String(), "no space left", args)
		t.Chdir("scripts")
	}
}

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
		status, _, complaint := steps(c.args...)
		assert.NotZero(t, status, c.args)
		assert.Contains(t, complaint, c.says, c.args)
	}
}

// A folder that is there is no image of an engine's.
func TestAFolderThatIsNoLayout(t *testing.T) {
	t.Setenv("CONTAINER_ENGINE", "no-such-engine")
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("x/y/dd", 0o755))
	for _, ref := range []string{"x/y/dd", "./x/y/dd", "x"} {
		status, _, complaint := steps("doctor", ref)
		assert.Equal(t, exitEnvironment, status, ref)
		assert.Contains(t, complaint, "it is no OCI layout", ref)
		assert.Contains(t, complaint, "docker save -o", ref)
	}
}

// An error may speak of megabytes; a screen is not for them.
func TestAComplaintHasAnEnd(t *testing.T) {
	var said strings.Builder
	complain(&said, "error", strings.Repeat("x", 1<<20))
	assert.Less(t, said.Len(), 2*longest)
}

// Whoever closes the terminal under the pasted line leaves nothing behind.
func TestAClosedTerminalLeavesNothing(t *testing.T) {
	_, url, _ := serving(t, 1000)
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
